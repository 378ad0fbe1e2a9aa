// One node as a process: the front in the main thread, gates in real request threads, from the built program.
// argv[2]: JSON { dist, redisPort, threads, rule, upstreamPort, name }
// Takes { id, thread, ...plan } over IPC and answers { id, ... }; tells { transition, atMs } (machine's monotonic ms).
import { request } from 'node:http';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const machineMs = () => Number(process.hrtime.bigint()) / 1e6;
const plan = isMainThread ? JSON.parse(process.argv[2] ?? '{}') : workerData.plan;
/** @param {string} path */
const load = (path) => import(pathToFileURL(`${plan.dist}/src/${path}.js`).href);

async function front() {
  const { createBreakerMemory } = await load('shared/breaker/memory');
  const { createProcessClock } = await load('shared/breaker/process-clock');
  const { startBreaker, BREAKER_REDIS_OPTIONS } = await load('primary/breaker/start-breaker');
  const { Redis } = await import('ioredis');
  const memory = createBreakerMemory(4);
  /** @type {Worker[]} */
  const threads = [];
  const { front } = startBreaker(
    {
      memory,
      node: plan.name,
      upstreams: [{ name: 'api', mode: 'on', rule: plan.rule, window: undefined }],
      send: (/** @type {number} */ thread, /** @type {unknown} */ message) => threads[thread]?.postMessage(message),
      liveNodes: () => 1,
      clock: createProcessClock(),
      wallClock: Date.now,
      random: Math.random,
      listener: (/** @type {any} */ notice) => {
        if (notice.type === 'transition') process.send?.({ transition: notice.change.to, atMs: machineMs() });
        else process.send?.({ scope: notice.scope });
      },
    },
    plan.redisPort === undefined
      ? undefined
      : {
          connect: () => new Redis({ ...BREAKER_REDIS_OPTIONS, host: '127.0.0.1', port: plan.redisPort }),
          whyNot: () => '',
          database: 0,
          timeoutMs: 1000,
        },
  );
  for (let thread = 0; thread < plan.threads; thread++) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { plan, memory, place: front.places().get('api') },
    });
    worker.on('message', (message) => {
      if (message.answer !== undefined) process.send?.(message.answer);
      else front.receive(thread, message);
    });
    worker.on('exit', () => front.threadGone(thread));
    threads.push(worker);
    await new Promise((resolve) => worker.once('online', resolve));
  }
  process.on('message', (/** @type {any} */ message) => threads[message.thread]?.postMessage(message));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}

async function thread() {
  const { createGate, ASK, REFUSE } = await load('workers/gateway/breaker/gate');
  const { createProcessClock } = await load('shared/breaker/process-clock');
  const { memory, place } = workerData;
  const post = (/** @type {unknown} */ message) => parentPort?.postMessage(message);
  const gate = createGate({ memory, clock: createProcessClock(), post });

  /** @returns {Promise<number>} an OUTCOME */
  const askUpstream = () =>
    new Promise((resolve) => {
      const call = request({ host: '127.0.0.1', port: plan.upstreamPort }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode === 200 ? 0 : 1));
      });
      call.on('error', () => resolve(1));
      call.end();
    });

  /** @param {() => number | Promise<number>} upstream */
  async function exchange(upstream) {
    let token = gate.check(place, '127.0.0.1');
    if (token === ASK) token = await new Promise((resolve) => gate.ask(place, '127.0.0.1', resolve));
    if (token === REFUSE) return 'refused';
    const outcome = await upstream();
    gate.outcome({ breakerPlace: place, breakerToken: token, breakerClient: '127.0.0.1' }, outcome);
    return outcome;
  }

  /** @param {any} message */
  async function run(message) {
    const counts = { passed: 0, refused: 0, lastPassedMs: 0, succeeded: 0 };
    const count = (/** @type {unknown} */ seen) => {
      if (seen === 'refused') counts.refused++;
      else {
        counts.passed++;
        counts.succeeded += seen === 0 ? 1 : 0;
        counts.lastPassedMs = machineMs();
      }
    };
    if (message.do === 'fail-until-refused') {
      while (counts.refused === 0) count(await exchange(() => 1));
    } else if (message.do === 'times') {
      for (let i = 0; i < message.times; i++) count(await exchange(() => message.outcome));
    } else if (message.do === 'rate') {
      const all = [];
      const startMs = machineMs();
      for (let sent = 0; sent < message.times;) {
        const due = Math.min(message.times, ((machineMs() - startMs) / 1000) * message.perSecond);
        for (; sent < due; sent++) all.push(exchange(askUpstream).then(count));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await Promise.all(all);
    } else if (message.do === 'die') {
      process.exit(1); // in a thread: ends the thread
    } else if (message.do === 'hold') {
      let refused = 0;
      const holding = () => {
        parentPort?.postMessage({ answer: { id: message.id, ...counts, refused } });
        return new Promise(() => {});
      };
      for (; (await exchange(holding)) === 'refused'; refused++) await new Promise((resolve) => setTimeout(resolve, 5));
      return;
    }
    parentPort?.postMessage({ answer: { id: message.id, ...counts } });
  }

  parentPort?.on('message', (message) => {
    if (message.type === 'breaker-answer') gate.receive(message);
    else void run(message);
  });
}

await (isMainThread ? front() : thread());
