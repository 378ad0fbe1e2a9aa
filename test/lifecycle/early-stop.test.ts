import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, quietFor, until } from '../support/wait.ts';
import { ALONE_ENV, exitOf } from './run.ts';

/* SIGTERM while the gateway starts: it ends at once, whatever of it is there. */

const ROOT = resolve(import.meta.dirname, '../..');
const DIST = resolve(ROOT, process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const ALONE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const mayUnshare = spawnSync('unshare', [...ALONE, 'true']).status === 0;
if (!mayUnshare) process.stdout.write('process 1: not stopped early, for this user may not unshare\n');

/** After the moment from which SIGTERM means something to it. */
const INSTANTS_MS = [0, 10, 25, 50, 75, 100, 150, 200, 300, 450, 600];
/** Says when a listener is there. What node itself does with SIGTERM before that ends any process but process 1. */
const SAYS_SO =
  'process.on("newListener",(name)=>name==="SIGTERM"&&queueMicrotask(()=>process.stderr.write("listens")))';
/** Longer than the test may take: who waits for it has not ended at once. */
const DRAIN_DELAY_SECONDS = '600';
/** What both deliveries of one Ctrl-C are taken for: see src/primary/process/stop-signals.ts. */
const DUPLICATE_WITHIN_MS = 250;

interface Starting extends AsyncDisposable {
  readonly outside: ChildProcess;
  /** Of the gateway itself; 0 while there is none. */
  readonly pid: () => number;
  readonly text: () => string;
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

function begin(command: readonly string[], env: Readonly<Record<string, string>>): Starting {
  const outside = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...ALONE_ENV,
      UPSTREAM_URL: 'http://127.0.0.1:1',
      DRAIN_DELAY_SECONDS,
      ...env,
    },
  });
  let text = '';
  for (const stream of [outside.stdout, outside.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
  return {
    outside,
    text: () => text,
    pid: () => (command[0] === 'unshare' ? childOf(outside.pid ?? 0) : (outside.pid ?? 0)),
    async [Symbol.asyncDispose]() {
      if (outside.exitCode !== null || outside.signalCode !== null) return;
      const gone = once(outside, 'exit');
      outside.kill('SIGKILL');
      await gone;
    },
  };
}

/** Sends SIGTERM; what was ready before must serve on until it is told twice. */
async function stopped({ outside, pid, text }: Starting): Promise<number | NodeJS.Signals | null> {
  const gone = (): boolean => outside.exitCode !== null || outside.signalCode !== null;
  process.kill(pid(), 'SIGTERM');
  await until(() => gone() || text().includes('still serving'), { describe: text });
  if (!gone()) {
    if (!text().includes('gateway ready'))
      throw new Error(`nobody was served, so there is nothing to wait for: ${text()}`);
    await quietFor(DUPLICATE_WITHIN_MS + 50, 'only time tells a second signal from a copy of the first');
    process.kill(pid(), 'SIGTERM');
  }
  return exitOf(outside);
}

const MAIN = resolve(DIST, 'src/cli/main.js');

describe.runIf(mayUnshare)('as process 1, SIGTERM at any moment of the start ends it with 0', () => {
  it.each([
    ['the image, GATEWAY_SUPERVISE=off', [MAIN, 'start'], { GATEWAY_SUPERVISE: 'off' }],
    ['GATEWAY_SUPERVISE=on', [MAIN, 'start'], { GATEWAY_SUPERVISE: 'on' }],
    ['bin/gateway.mjs', [resolve(ROOT, 'bin/gateway.mjs'), 'start'], { GATEWAY_SETUP: 'off' }],
    ['npm start', [resolve(ROOT, 'scripts/start.mjs')], { GATEWAY_SETUP: 'off' }],
  ] as const)('%s', async (_, args, env) => {
    for (const afterMs of INSTANTS_MS) {
      const telling = ['--import', `data:text/javascript,${SAYS_SO}`];
      await using gateway = begin(['unshare', ...ALONE, process.execPath, ...telling, ...args], env);
      await eventually(() => gateway.text().includes('listens'), 'it listens to SIGTERM');
      await quietFor(afterMs, 'the moment is what varies');
      expect([afterMs, await stopped(gateway), gateway.text()]).toEqual([afterMs, 0, expect.any(String)]);
    }
  });
});

it.each([
  ['the supervising parent', [MAIN, 'start'], { GATEWAY_SUPERVISE: 'on' }],
  ['the front', [resolve(DIST, 'src/primary/main.js')], {}],
] as const)(
  '%s as any other process: at any moment of its life it ends at once, by it or with 0',
  async (_, args, env) => {
    for (const afterMs of INSTANTS_MS) {
      await using gateway = begin([process.execPath, ...args], env);
      await quietFor(afterMs, 'the moment is what varies');
      expect([0, 'SIGTERM']).toContain(await stopped(gateway));
    }
  },
);

it('a front that does not listen yet when its parent is asked to stop is no failure', async () => {
  await using gateway = begin([process.execPath, MAIN, 'start'], { GATEWAY_SUPERVISE: 'on' });
  const front = (): number => (gateway.outside.pid === undefined ? 0 : childOf(gateway.outside.pid));
  await eventually(() => front() !== 0, 'the front is started');
  expect(await stopped(gateway)).toBe(0);
});
