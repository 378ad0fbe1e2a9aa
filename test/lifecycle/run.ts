import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { alarm, PATIENCE_MS, until } from '../support/wait.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

const ENTRY = { front: 'src/primary/main.js', cli: 'src/cli/main.js' } as const;

/** What a test does not name is kept nowhere, and above all not where the user's own gateway keeps it. */
const NO_STATE = '/dev/null/none';

/** The environment of a gateway that needs nothing and disturbs nobody; a test adds what it is about. */
export const ALONE_ENV: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOST: '127.0.0.1',
  PORT: '0',
  ADMIN_PORT: '0',
  WORKERS: '1',
  STATE_DIR: NO_STATE,
};

/** How a process that was left alone ended. */
export interface Ended {
  /** Exit code, or the signal's name. */
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built front or `gateway` command to its end; one that does not end in `withinMs` is killed. */
export async function runToEnd(
  program: { readonly entry: keyof typeof ENTRY; readonly args?: readonly string[]; readonly withinMs?: number },
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [join(DIST, ENTRY[program.entry]), ...(program.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', STATE_DIR: NO_STATE, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const putOff = alarm(program.withinMs ?? PATIENCE_MS, () => void child.kill('SIGKILL'));
  await once(child, 'close');
  putOff();
  return { code: child.exitCode ?? child.signalCode, stdout, stderr };
}

/** Resolves with the exit code or signal's name of a process that is on its way out. */
export async function exitOf(child: ChildProcess, withinMs = PATIENCE_MS): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode === null && child.signalCode === null) {
    await until(() => child.exitCode !== null || child.signalCode !== null, { withinMs });
  }
  return child.exitCode ?? child.signalCode;
}

/** Whether a process of this id is there (a zombie counts as gone). */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    return !/^\d+ \(.*\) Z/s.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
