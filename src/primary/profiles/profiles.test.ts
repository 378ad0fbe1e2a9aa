import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { ThreadHandle } from '../threads/thread-handle.ts';
import { Profiles } from './profiles.ts';

/** A thread that does this when it is asked for a profile. */
async function threadThat(does: string): Promise<ThreadHandle & AsyncDisposable> {
  const source = `const { parentPort } = require('node:worker_threads');
    parentPort.on('message', (message) => { ${does} }); parentPort.postMessage('there');`;
  const worker = new Worker(source, { eval: true });
  await new Promise((resolve) => void worker.once('message', resolve));
  const handle = { slot: 0, worker, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
  return handle as unknown as ThreadHandle & AsyncDisposable;
}
const ORDER = { kind: 'cpu', forMs: 10 } as const;

test('a thread that is stuck is given up after a while, and another profile may follow', async () => {
  await using stuck = await threadThat('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)');
  const profiles = new Profiles(() => [stuck], 50);
  expect(await profiles.take(0, ORDER)).toEqual({ kind: 'failed', reason: expect.stringContaining('busy or stuck') });
  expect(await profiles.take('front', ORDER)).toMatchObject({ kind: 'taken' });
});

test('a thread that ends meanwhile is said at once', async () => {
  await using ending = await threadThat('process.exit(0)');
  const profiles = new Profiles(() => [ending]);
  expect(await profiles.take(0, ORDER)).toEqual({ kind: 'failed', reason: 'The thread has ended.' });
});

test('while one is made another is refused, whoever it is of', async () => {
  const profiles = new Profiles(() => []);
  const first = profiles.take('front', ORDER);
  expect(await profiles.take('front', ORDER)).toEqual({ kind: 'busy' });
  expect(await profiles.take(0, ORDER)).toEqual({ kind: 'busy' });
  expect(await first).toMatchObject({ kind: 'taken' });
  expect(await profiles.take(0, ORDER)).toEqual({ kind: 'no-thread', slots: [] });
});
