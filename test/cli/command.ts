import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { z } from 'zod';
import { runToEnd } from '../lifecycle/run.ts';
import type { Ended } from '../lifecycle/run.ts';
import { eventually } from '../support/wait.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
/** The built `gateway` command. */
export const MAIN = join(DIST, 'src/cli/main.js');

export type Environment = Readonly<Record<string, string>>;

/** Runs the built `gateway` command to its end. */
export type Run = (...args: readonly string[]) => Promise<Ended>;

/**
 * Starting Node takes seconds on a machine that is busy with other tests, and what works on a backup yields to all of
 * them: as long as the tests have.
 */
const WITHIN_MS = 240_000;

/** Commands that have no time-out, or one of their own. */
const OTHERS: readonly string[] = ['probe', 'redis', 'check', 'start', 'schema', 'backup', 'restore'];

/** A gateway that is busy with other tests may be slow to answer. */
const patient = (args: readonly string[]): readonly string[] =>
  OTHERS.includes(args[0] ?? '') || args.includes('--timeout') ? args : [...args, '--timeout', '30s'];

/** The command in an environment of its own. */
export const commandIn =
  (env: Environment): Run =>
  (...args) =>
    runToEnd({ entry: 'cli', args: patient(args), withinMs: WITHIN_MS }, env);

/** The command while it runs: one that goes on until it is ended. */
export function started(env: Environment, args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...patient(args)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', STATE_DIR: '/dev/null/none', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return {
    shows: (words: string) => eventually(() => output.includes(words), `it prints ${words}`, 20_000),
    end: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGINT');
      await gone;
      return child.exitCode ?? child.signalCode;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

/** What it printed with `--json`, which the schema must take; fails unless it ended with 0. */
export function parsed<T>(schema: z.ZodType<T>, { code, stdout, stderr }: Ended): T {
  expect(code, stderr).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

/** A refusal in words: this exit code, nothing on stdout, these words on stderr, and never a stack. */
export function expectRefused({ code, stdout, stderr }: Ended, exitCode: number, words: RegExp): void {
  expect([code, stdout], stderr).toEqual([exitCode, '']);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
}
