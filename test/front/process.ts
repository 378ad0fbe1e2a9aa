import { spawn } from 'node:child_process';
import type { StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { DIST } from './setup.ts';

export interface Facts {
  readonly problem: string;
  /** Texts of the events. */
  readonly problems: readonly string[];
  readonly refused: { readonly overloaded: number; readonly evicted: number };
  readonly cpuMs: number;
  readonly openFiles: number;
  /** A thread waits for `go`. */
  readonly stuck: boolean;
  readonly maxConnections: number;
}

export interface FrontProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** @param order see process.mjs */
  facts(order?: 'facts' | 'exhaust' | 'exhaust but one' | 'release' | 'go'): Promise<Facts>;
}

/** A front in a process of its own (process.mjs), with a limit of open files. @param inherited becomes descriptor 3 */
export async function startFrontProcess(
  env: Readonly<Record<string, string>>,
  { openFiles = 4_096, inherited }: { readonly openFiles?: number; readonly inherited?: number } = {},
): Promise<FrontProcess> {
  const program = resolve(import.meta.dirname, 'process.mjs');
  const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', ...(inherited === undefined ? [] : [inherited]), 'ipc'];
  const script = `ulimit -n ${openFiles}; export LISTEN_PID=$$; exec "$0" "$1"`;
  const child = spawn('sh', ['-c', script, process.execPath, program], {
    stdio,
    env: { PATH: process.env['PATH'] ?? '', HOST: '127.0.0.1', PORT: '0', DIST, ...env },
  });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the process of the front has ended')));
  ended.catch(() => {}); // as it should at the end
  const say = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), ended]))[0];
  const { port } = (await say()) as { port: number };
  return {
    port,
    pid: child.pid ?? 0,
    async facts(order = 'facts') {
      const answer = say();
      child.send(order);
      return (await answer) as Facts;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
