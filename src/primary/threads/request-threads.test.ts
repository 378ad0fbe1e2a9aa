import { afterEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../shared/config/read-config.ts';
import type { Config } from '../../shared/config/types.ts';
import { createHealthMemory } from '../../shared/health/memory.ts';
import { createLog } from '../../shared/log.ts';
import { MetricMemory } from '../metrics/metric-memory.ts';
import { ConcurrencyControl } from '../upstreams/concurrency-control.ts';
import { RequestThreads, slotsFor } from './request-threads.ts';
import { DegradedReasons } from '../traffic/degraded-reasons.ts';
import { TrafficControl } from '../traffic/traffic-control.ts';
import { ThreadSet } from './thread-set.ts';

/**
 * A thread that speaks the protocol and has no app. `behaviour` runs with `say`, `start` (workerData) and `port`; what it
 * sets on `on` answers a message.
 */
const thread = (behaviour: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort as port, workerData as start } from 'node:worker_threads';
      const say = (message) => port.postMessage({ to: 'threads', ...message });
      const words = new Int32Array(start.heartbeats);
      const beating = setInterval(() => Atomics.add(words, start.slot * 16, 1), 20);
      const end = () => { clearInterval(beating); say({ type: 'closed', aborted: 1 }); port.close(); };
      const on = {
        drain: end,
        abort: end,
        config: ({ version }) => say({ type: 'config-applied', version }),
      };
      port.on('message', (message) => on[message.type]?.(message));
      ${behaviour}
    `)}`,
  );

const LISTENS = `say({ type: 'listening', descriptor: start.requestIdPrefix });`;
const NEVER_MS = 20_000;
const NO_PROBES = {
  forThread: () => ({ memory: createHealthMemory(0), places: new Map() }),
  places: () => new Map(),
};

function setUp(behaviour: string, workers = 2) {
  const read = readConfig({ UPSTREAM_URL: 'http://127.0.0.1:1' }, () => '');
  if (!read.ok) throw new Error('the test configuration is bad');
  let version = 1;
  const ring = new Set<unknown>();
  const threads = new RequestThreads({
    entry: thread(behaviour),
    threads: new ThreadSet(),
    workers,
    active: () => ({ config: read.config, version, tls: undefined }),
    acceptor: {
      kind: 'uws',
      ring: { add: ({ descriptor }) => ring.add(descriptor), remove: ({ descriptor }) => ring.delete(descriptor) },
      forThread: () => ({ kind: 'uws' }),
      threadGone: () => {},
      receive: () => {},
    },
    control: controlOf(read.config),
    metrics: new MetricMemory(slotsFor(workers), read.config),
    upstreams: { receive: () => {}, threadGone: () => {} },
    keys: { receive: () => {} },
    maintenance: { forThread: () => [], receive: () => {} },
    targetSets: { current: () => new Map() },
    concurrency: new ConcurrencyControl(slotsFor(workers), read.config),
    drains: { current: () => [] },
    splits: { current: () => [] },
    health: NO_PROBES,
    jwks: { forThread: () => [], receive: () => {} },
    log: createLog({ level: 'silent', name: 'test' }),
  });
  open.push(threads);
  const serving = (): number => threads.all().filter(({ state }) => state.kind === 'serving').length;
  return { threads, ring, serving, nextVersion: () => ++version };
}

function controlOf(config: Config): TrafficControl {
  const noThreads = new ThreadSet();
  const control = new TrafficControl({
    config,
    log: createLog({ level: 'silent', name: 'test' }),
    connections: undefined,
    info: () => ({ name: 'test', version: '0', started: '', threads: 1, address: '' }),
    threads: noThreads,
    degraded: new DegradedReasons(noThreads),
  });
  controls.push(control);
  return control;
}

const controls: TrafficControl[] = [];
const open: RequestThreads[] = [];
afterEach(async () => {
  for (const threads of open.splice(0)) {
    threads.abort();
    await threads.until(() => threads.all().length === 0, NEVER_MS);
    threads.close();
  }
  for (const control of controls.splice(0)) await control.close();
});

describe('request threads', () => {
  test('join the ring when they listen, and leave it before they are drained', async () => {
    const { threads, ring, serving } = setUp(LISTENS);
    expect(await threads.until(() => serving() === 2, NEVER_MS)).toBe(true);
    expect(ring.size).toBe(2);
    threads.lameDuck();
    expect(ring.size).toBe(2);
    threads.drain(1_000);
    expect(ring.size).toBe(0);
    expect(await threads.until(() => threads.all().length === 0, NEVER_MS)).toBe(true);
    expect(threads.aborted).toBe(2);
  });

  test('one that reports a fault leaves the ring and is replaced', async () => {
    const { threads, ring } = setUp(`${LISTENS} on.config = () => say({ type: 'failed', reason: 'test' });`, 1);
    await threads.until(() => ring.size === 1, NEVER_MS);
    const [before] = ring;
    threads.sendConfig();
    expect(await threads.until(() => ring.size === 1 && !ring.has(before), NEVER_MS)).toBe(true);
    expect([threads.failures, threads.aborted]).toEqual([1, 1]);
  });

  test('one that dies is taken out of the ring and replaced', async () => {
    const { threads, ring } = setUp(`${LISTENS} on.config = () => process.exit(3);`, 1);
    await threads.until(() => ring.size === 1, NEVER_MS);
    const [before] = ring;
    threads.sendConfig();
    expect(await threads.until(() => ring.size === 0, NEVER_MS)).toBe(true);
    expect(await threads.until(() => ring.size === 1, NEVER_MS)).toBe(true);
    expect(ring.has(before)).toBe(false);
  });

  test('that cannot start are tried ever more slowly', async () => {
    const { threads } = setUp(`throw new Error('test: no start');`, 1);
    expect(await threads.until(() => threads.failures >= 3, NEVER_MS)).toBe(true);
  });

  test('say which configuration they use', async () => {
    const { threads, serving, nextVersion } = setUp(LISTENS);
    await threads.until(() => serving() === 2, NEVER_MS);
    const version = nextVersion();
    threads.sendConfig();
    expect(await threads.until(() => threads.all().every((each) => each.configVersion === version), NEVER_MS)).toBe(
      true,
    );
  });

  test('a silent one leaves the ring and comes back when it beats', async () => {
    const { threads, ring } = setUp(
      `${LISTENS} on.config = () => { const until = performance.now() + 2600; while (performance.now() < until); };`,
      1,
    );
    await threads.until(() => ring.size === 1, NEVER_MS);
    threads.sendConfig();
    expect(await threads.until(() => ring.size === 0, NEVER_MS)).toBe(true);
    expect(await threads.until(() => ring.size === 1, NEVER_MS)).toBe(true);
  });

  test('one that is leaving still hears who is banned, but is not waited for', async () => {
    // It leaves only when it has heard of the log's level, and shows what it heard as the configuration it uses.
    const { threads, ring } = setUp(
      `${LISTENS}
       on.drain = () => {};
       on['limit-overrides'] = ({ id }) => say({ type: 'config-applied', version: id });
       on['log-level'] = end;`,
      1,
    );
    await threads.until(() => ring.size === 1, NEVER_MS);
    const [leaving] = threads.all();
    if (leaving === undefined) throw new Error('no thread');
    threads.retire(leaving);
    expect(await threads.until(() => ring.size === 1 && !ring.has(leaving.descriptor), NEVER_MS)).toBe(true);
    expect(threads.tellAll({ to: 'limits', type: 'limit-overrides', overrides: [], id: 77 })).toBe(1);
    expect(await threads.until(() => threads.all().every((each) => each.configVersion === 77), NEVER_MS)).toBe(true);
    threads.sendConfig();
    threads.tellAll({ to: 'thread', type: 'log-level', level: 'silent' });
    expect(await threads.until(() => !threads.all().includes(leaving), NEVER_MS)).toBe(true);
    expect(leaving.configVersion).toBe(77); // a configuration is for those that stay
  });

  test('waiting for something that does not happen ends', async () => {
    const { threads } = setUp(LISTENS);
    expect(await threads.until(() => false, 10)).toBe(false);
  });
});
