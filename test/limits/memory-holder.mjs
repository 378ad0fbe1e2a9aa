// A thread that stops in the middle of a decision, with the lock of a client's shard: started by shared-memory.test.ts.
// workerData: { dist, memory, owner, client }
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { dist, memory, owner, client } = workerData;
const { SharedBucketTable } = await import(pathToFileURL(`${dist}/src/shared/limits/shared-bucket-table.js`).href);
const held = new SharedBucketTable(memory, { owner, lockWaitMs: 5_000 }).open(client);
parentPort?.postMessage(held ? 'held' : 'not held');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
