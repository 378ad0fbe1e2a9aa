// The native front in a process of its own, with the threads of thread.mjs; the built program (DIST). Says { port } over
// IPC, answers each message with what it knows of itself
// ('facts'), after it has opened all the files it may ('exhaust', 'exhaust but one'), closed them ('release'), or let a
// stuck thread go on ('go'), and ends with its parent.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const dist = process.env['DIST'];
/** @param {string} path */
const load = (path) => import(pathToFileURL(`${dist}/src/${path}.js`).href);
const { readConfig } = await load('shared/config/read-config');
const { createLog } = await load('shared/log');
const { openFiles } = await load('shared/net/open-files');
const { openFront } = await load('primary/front/open-front');
const { MetricMemory } = await load('primary/metrics/metric-memory');
const { RequestThreads, slotsFor } = await load('primary/threads/request-threads');
const { ThreadSet } = await load('primary/threads/thread-set');
const { DegradedReasons } = await load('primary/traffic/degraded-reasons');
const { TrafficControl } = await load('primary/traffic/traffic-control');

const env = { FRONT: 'native', UPSTREAM_URL: 'http://127.0.0.1:1', WORKERS: '2', ...process.env };
const read = readConfig(env, (/** @type {string} */ path) => readFileSync(path, 'utf8'));
if (!read.ok) throw new Error(JSON.stringify(read.problems));
const { config } = read;
const log = createLog({ level: 'silent', name: 'test' });
const gate = new Int32Array(new SharedArrayBuffer(8));
const slots = slotsFor(config.server.workers);
/** @type {string[]} */
const problems = [];
const threadSet = new ThreadSet();
const acceptor = await openFront({
  config,
  slots,
  log,
  events: { add: (/** @type {string} */ _type, /** @type {string} */ text) => problems.push(text) },
  send: (/** @type {number} */ slot, /** @type {object} */ message) =>
    threadSet.tellSlot(slot, { to: 'front', ...message }),
  onDegraded: () => {},
});
const control = new TrafficControl({
  config,
  log,
  connect: undefined,
  info: () => ({ name: 'test', version: '0', started: '', threads: 1, address: '' }),
  threads: threadSet,
  degraded: new DegradedReasons(threadSet),
});
const threads = new RequestThreads({
  entry: new URL('./thread.mjs', import.meta.url),
  threads: threadSet,
  workers: config.server.workers,
  active: () => ({ config, version: 1 }),
  acceptor: {
    kind: acceptor.kind,
    ring: acceptor.ring,
    forThread: (/** @type {number} */ slot) => Object.assign(acceptor.forThread(slot), { dist, gate: gate.buffer }),
    threadGone: (/** @type {number} */ slot) => acceptor.threadGone(slot),
    receive: (/** @type {number} */ slot, /** @type {unknown} */ message) => acceptor.receive(slot, message),
  },
  control,
  metrics: new MetricMemory(slots, config),
  health: { forThread: () => undefined, places: () => ({}) },
  upstreams: { receive: () => {}, threadGone: () => {} },
  keys: { receive: () => {} },
  maintenance: { forThread: () => [], receive: () => {} },
  targetSets: { current: () => new Map() },
  concurrency: { forThread: () => undefined, rows: () => new Map(), threadGone: () => undefined },
  drains: { current: () => [] },
  splits: { current: () => [] },
  jwks: { forThread: () => [], receive: () => {} },
  log,
});
const serving = () => threads.all().filter((/** @type {any} */ { state }) => state.kind === 'serving').length;
await threads.until(() => serving() === config.server.workers, 20_000);
const port = await acceptor.listen(config.server.host, config.server.port);
/** @type {number[]} */
const taken = [];
process.on('message', (message) => {
  if (message === 'release') for (const fd of taken.splice(0)) closeSync(fd);
  if (message === 'go') {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  }
  if (message === 'exhaust' || message === 'exhaust but one') {
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      if (message === 'exhaust but one') closeSync(taken.pop() ?? -1);
    }
  }
  process.send?.({
    problem: acceptor.problem,
    problems,
    refused: { overloaded: acceptor.refused('overloaded'), evicted: acceptor.refused('evicted') },
    cpuMs: Object.values(process.cpuUsage()).reduce((sum, each) => sum + each, 0) / 1000,
    openFiles: openFiles(),
    stuck: Atomics.load(gate, 1) === 1,
    maxConnections: config.server.maxConnections,
  });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port, entry: fileURLToPath(import.meta.url) });
