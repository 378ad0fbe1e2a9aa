// A process of request threads that hammer one client's bucket: started by exactness.test.ts, runs the built program.
// argv[2]: JSON { dist, connection, cluster, threads, seconds, capacity, rate, skewMs, timeoutMs, local }; `local`: the time-outs and
//   the route of production, so many nodes share the limit, and between requests the thread works
// Prints one JSON line per thread: { granted, other, startMs, endMs, firstMs, emptyMs, decidedMs, offered } in milliseconds of the
// machine's monotonic clock; firstMs: of the first decision; emptyMs: when the last of those was asked that the store refused;
// offered: requests by slice of SLICE_MS.
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const SLICE_MS = 1_000;
/** What a busy thread does between requests. */
const WORK_MS = 2;
/** Later than all; JSON has no Infinity. */
const NEVER_MS = Number.MAX_VALUE;

const machineMs = () => Number(process.hrtime.bigint()) / 1e6;

/** @param {any} plan */
async function hammer(plan) {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(`${plan.dist}/src/${path}.js`).href);
  const { Limiter, LIMITER_DEFAULTS } = await load('workers/gateway/limits/limiter');
  const { DecisionTimeout } = await load('workers/gateway/limits/decision-timeout');
  const { FlightTimer } = await load('workers/gateway/limits/flight-timer');
  const { compileRule } = await load('shared/limits/rule');
  const { createMetricMemory } = await load('shared/metrics/layout');
  const { ThreadMetrics } = await load('workers/gateway/metrics/thread-metrics');
  const { SharedMemoryStore } = await load('shared/limits/shared-memory-store');
  const clock = () => performance.now() + plan.skewMs;
  const metrics = new ThreadMetrics({
    metrics: createMetricMemory(1),
    slot: 0,
    metricRows: { route: {}, upstream: {}, rule: {} },
  });
  const timeout = plan.local ? new DecisionTimeout({ clock, startMs: 10, maxMs: 50 }) : undefined;
  let onUp = () => {};
  const isUp = new Promise((resolve) => (onUp = () => resolve(undefined)));
  const options = {
    clock,
    random: Math.random,
    flights: new FlightTimer({ clock }),
    metrics,
    ...(timeout === undefined ? {} : { timeout }),
    onChange: (/** @type {{ kind: string }} */ state) => state.kind === 'up' && onUp(),
  };
  const store = plan.cluster
    ? new (await load('workers/gateway/limits/cluster-store')).ClusterStore(plan.connection, options)
    : new (await load('workers/gateway/limits/redis-store')).RedisStore(plan.connection, options);
  const limiter = new Limiter({
    clock,
    store,
    local: new SharedMemoryStore(plan.memory, { owner: plan.owner }),
    liveNodes: () => plan.local ?? 1,
    ...LIMITER_DEFAULTS,
    get timeoutMs() {
      return timeout?.ms ?? plan.timeoutMs ?? 200;
    },
    metrics,
    onError: (/** @type {unknown} */ error) => {
      throw error;
    },
  });
  const lane = limiter.lane({
    rules: [compileRule({ name: '', capacity: plan.capacity, refillPerSecond: plan.rate })],
    cost: 1,
    onStoreFailure: plan.local ? 'local' : 'closed',
    leaseTokens: 0,
    shadow: false,
  });
  await isUp;
  parentPort?.postMessage('ready');
  await new Promise((resolve) => parentPort?.once('message', resolve));
  let granted = 0;
  let other = 0;
  let firstMs = NEVER_MS;
  let emptyMs = 0;
  const ask = () => {
    const askedMs = machineMs();
    return {
      startedMs: clock(),
      addressName: () => 'hammering',
      onDecision: (/** @type {{ outcome: string, mode: string }} */ decision) => {
        if (firstMs === NEVER_MS) firstMs = machineMs();
        if (decision.outcome === 'granted') granted++;
        else other++;
        if (decision.outcome === 'refused' && decision.mode === 'store') emptyMs = Math.max(emptyMs, askedMs);
      },
    };
  };
  /** @type {Record<string, number>} */
  const offered = {};
  const startMs = machineMs();
  const endMs = startMs + plan.seconds * 1000;
  while (machineMs() < endMs) {
    const waiter = ask();
    for (let i = 0; i < 20; i++) {
      const decision = limiter.request('hammered', lane, waiter);
      if (decision !== undefined) waiter.onDecision(decision);
    }
    const slice = Math.floor(machineMs() / SLICE_MS);
    offered[slice] = (offered[slice] ?? 0) + 20;
    if (plan.local) for (const endOfWorkMs = machineMs() + WORK_MS; machineMs() < endOfWorkMs;);
    await new Promise((resolve) => (plan.local ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  const stoppedMs = machineMs();
  await limiter.close();
  parentPort?.postMessage({
    granted,
    other,
    startMs,
    endMs: stoppedMs,
    firstMs,
    emptyMs,
    decidedMs: machineMs(),
    offered,
  });
}

if (isMainThread) {
  const plan = JSON.parse(process.argv[2] ?? '{}');
  const { createBucketMemory } = await import(pathToFileURL(`${plan.dist}/src/shared/limits/bucket-memory.js`).href);
  const memory = createBucketMemory({ shards: 4, setsPerShard: 64 });
  const workers = Array.from(
    { length: plan.threads },
    (_, i) => new Worker(new URL(import.meta.url), { workerData: { ...plan, memory, owner: i + 1 } }),
  );
  let ready = 0;
  for (const worker of workers) {
    worker.on('error', (error) => {
      throw error;
    });
    worker.on('message', (message) => {
      if (message !== 'ready') process.stdout.write(`${JSON.stringify(message)}\n`);
      else if (++ready === workers.length) process.stdout.write('"ready"\n');
    });
  }
  process.stdin.once('data', () => {
    process.stdin.destroy();
    for (const worker of workers) worker.postMessage('go');
  });
} else {
  await hammer(workerData);
}
