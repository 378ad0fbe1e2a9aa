import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { RedisConfig } from '../../src/shared/config/types.ts';

/** Where `npm run build` puts the program; tests run what operators run. */
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

export interface Begun {
  readonly node: string;
  readonly slotMs: number;
  readonly attempt: number;
}

/** What operators are told of how a run ended. */
export interface Told {
  readonly node: string;
  readonly run: string;
  readonly state: string;
}

/** One of these at a time. */
interface Message {
  readonly ready?: true;
  readonly begun?: Begun;
  readonly told?: Told;
}

export interface ChildNodes extends AsyncDisposable {
  readonly begun: readonly Begun[];
  readonly told: readonly Told[];
  kill(name: string, signal: NodeJS.Signals): void;
}

/** Nodes in processes of their own, with one job. */
export async function startChildNodes(plan: {
  readonly redis: RedisConfig;
  readonly names: readonly string[];
  readonly pattern: string;
  readonly runMs: number;
  readonly fails?: boolean;
  /** Each stops itself in its first run, until it is sent a SIGCONT. */
  readonly freezes?: boolean;
}): Promise<ChildNodes> {
  const begun: Begun[] = [];
  const told: Told[] = [];
  const { names, ...rest } = plan;
  const start = async (name: string): Promise<readonly [string, ChildProcess]> => {
    const args = [JSON.stringify({ ...rest, name, dist: DIST })];
    const child = fork(resolve(import.meta.dirname, 'node.mjs'), args, { execArgv: [] });
    const ready = new Promise<void>((done, fail) => {
      child.on('message', (message: Message) => {
        if (message.ready === true) done();
        if (message.begun !== undefined) begun.push(message.begun);
        if (message.told !== undefined) told.push(message.told);
      });
      child.once('exit', (code) => fail(new Error(`the node ended with ${String(code)}`)));
    });
    await ready;
    return [name, child];
  };
  const children = new Map(await Promise.all(names.map(start)));
  return {
    begun,
    told,
    kill: (name, signal) => void children.get(name)?.kill(signal),
    async [Symbol.asyncDispose]() {
      for (const child of children.values()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}
