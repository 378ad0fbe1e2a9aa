import { once } from 'node:events';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Where `npm run build` puts the program; threads run what operators run. */
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

export interface ThreadsPlan {
  readonly memory: SharedArrayBuffer;
  readonly threads: number;
  readonly clients: readonly string[];
  readonly capacity: number;
  readonly rate: number;
  /** Each thread asks every client so often, or for this long. */
  readonly rounds: number;
  readonly seconds: number;
}

export interface ThreadsResult {
  /** By client. */
  readonly granted: readonly number[];
}

/** Real threads that ask one memory at the same time; they start together. */
export async function hammerMemory({ threads, ...plan }: ThreadsPlan): Promise<ThreadsResult> {
  const gate = new SharedArrayBuffer(4);
  const workers = Array.from({ length: threads }, (_, i) => {
    const workerData = { ...plan, gate, dist: DIST, owner: i + 1 };
    return new Worker(new URL('memory-hammer.mjs', import.meta.url), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const ended = workers.map((worker) => once(worker, 'message'));
  const word = new Int32Array(gate);
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
  const results = (await Promise.all(ended)).map(([result]) => result as ThreadsResult);
  return {
    granted: plan.clients.map((_, i) => results.reduce((sum, one) => sum + (one.granted[i] ?? 0), 0)),
  };
}

/** A thread that stands still with the lock of `client`, as if it had been stopped in the middle of a decision. */
export async function holdLock(hold: {
  readonly memory: SharedArrayBuffer;
  readonly owner: number;
  readonly client: string;
}): Promise<Worker> {
  const worker = new Worker(new URL('memory-holder.mjs', import.meta.url), { workerData: { ...hold, dist: DIST } });
  const [said] = await once(worker, 'message');
  if (said !== 'held') throw new Error(String(said));
  return worker;
}
