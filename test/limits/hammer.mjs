// A process of request threads that hammer one client's bucket: started by exactness.test.ts, runs the built program.
// argv[2]: JSON { dist, connection, cluster, threads, seconds, capacity, rate, skewMs }
// Prints one JSON line per thread: { granted, other, startMs, endMs } in milliseconds of the machine's monotonic clock.
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const machineMs = () => Number(process.hrtime.bigint()) / 1e6;

/** @param {any} plan */
async function hammer(plan) {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(`${plan.dist}/src/${path}.js`).href);
  const { Limiter, LIMITER_DEFAULTS } = await load('workers/gateway/limits/limiter');
  const { FlightTimer } = await load('workers/gateway/limits/flight-timer');
  const { compileRule } = await load('shared/limits/rule');
  const { createMetricMemory } = await load('shared/metrics/layout');
  const { ThreadMetrics } = await load('workers/gateway/metrics/thread-metrics');
  const { createBucketMemory } = await load('shared/limits/bucket-memory');
  const { SharedMemoryStore } = await load('shared/limits/shared-memory-store');
  const clock = () => performance.now() + plan.skewMs;
  const metrics = new ThreadMetrics({
    metrics: createMetricMemory(1),
    slot: 0,
    metricRows: { route: {}, upstream: {}, rule: {} },
  });
  let onUp = () => {};
  const isUp = new Promise((resolve) => (onUp = () => resolve(undefined)));
  const options = {
    clock,
    random: Math.random,
    flights: new FlightTimer({ clock }),
    metrics,
    onChange: (/** @type {{ kind: string }} */ state) => state.kind === 'up' && onUp(),
  };
  const store = plan.cluster
    ? new (await load('workers/gateway/limits/cluster-store')).ClusterStore(plan.connection, options)
    : new (await load('workers/gateway/limits/redis-store')).RedisStore(plan.connection, options);
  const limiter = new Limiter({
    clock,
    store,
    local: new SharedMemoryStore(createBucketMemory({ shards: 4, setsPerShard: 64 }), { owner: 1 }),
    liveNodes: () => 1,
    ...LIMITER_DEFAULTS,
    timeoutMs: 200,
    metrics,
    onError: (/** @type {unknown} */ error) => {
      throw error;
    },
  });
  const lane = limiter.lane({
    rules: [compileRule({ name: '', capacity: plan.capacity, refillPerSecond: plan.rate })],
    cost: 1,
    onStoreFailure: 'closed',
    leaseTokens: 0,
    shadow: false,
  });
  await isUp;
  parentPort?.postMessage('ready');
  await new Promise((resolve) => parentPort?.once('message', resolve));
  let granted = 0;
  let other = 0;
  const waiter = {
    startedMs: clock(),
    onDecision: (/** @type {{ outcome: string }} */ decision) => (decision.outcome === 'granted' ? granted++ : other++),
  };
  const startMs = machineMs();
  const endMs = startMs + plan.seconds * 1000;
  while (machineMs() < endMs) {
    for (let i = 0; i < 20; i++) {
      const decision = limiter.request('hammered', lane, waiter);
      if (decision !== undefined) waiter.onDecision(decision);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const stoppedMs = machineMs();
  await limiter.close();
  parentPort?.postMessage({ granted, other, startMs, endMs: stoppedMs });
}

if (isMainThread) {
  const plan = JSON.parse(process.argv[2] ?? '{}');
  const workers = Array.from(
    { length: plan.threads },
    () => new Worker(new URL(import.meta.url), { workerData: plan }),
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
