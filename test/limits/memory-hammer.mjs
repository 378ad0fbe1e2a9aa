// A thread that asks the shared-memory store as fast as it can: started by shared-memory.test.ts, runs the built program.
// workerData: { dist, memory, owner, gate, clients, capacity, rate, rounds, seconds }
// Asks each client in turn, `rounds` times over or for `seconds`; posts { granted: number[] per client }.
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { dist, memory, owner, gate, clients, capacity, rate, rounds, seconds } = workerData;
/** @param {string} name */
const load = (name) => import(pathToFileURL(`${dist}/src/shared/limits/${name}.js`).href);
const { SharedMemoryStore } = await load('shared-memory-store');
const { compileRule } = await load('rule');

const store = new SharedMemoryStore(memory, { owner, lockWaitMs: 5_000 });
const lane = { cost: 1, rules: [compileRule({ name: '', capacity, refillPerSecond: rate })] };
const granted = Array.from(clients, () => 0);

parentPort?.postMessage('ready');
const word = new Int32Array(gate);
Atomics.wait(word, 0, 0);
const endMs = performance.now() + seconds * 1000;
for (let round = 0; round < rounds && performance.now() < endMs; round++) {
  for (let i = 0; i < clients.length; i++) {
    const answer = store.takeNow(clients[i], lane);
    if (answer === undefined) throw new Error('locked');
    if (answer) granted[i] = (granted[i] ?? 0) + 1;
  }
}
parentPort?.postMessage({ granted });
