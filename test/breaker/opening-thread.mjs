// A thread whose one client fails without end: started by narrow-race.test.ts, runs the built program.
import { workerData } from 'node:worker_threads';

const { memory, place, dist } = workerData;
/** @param {string} path */
const load = (path) => import(new URL(`src/${path}.js`, dist).href);
const { countClosed, isClosedToken } = await load('workers/gateway/breaker/closed-counts');
const { FIELD, rowOf } = await load('shared/breaker/memory');
const { OUTCOME } = await load('shared/breaker/outcome');

const words = new Int32Array(memory);
const client = { low: 7, high: 9, text: '0000000700000009' };
for (;;) {
  const token = Atomics.load(words, rowOf(place) + FIELD.WORD);
  if (!isClosedToken(token)) continue;
  countClosed(words, { place, token, client, outcome: OUTCOME.FAILURE, nowMs: 1_000 });
}
