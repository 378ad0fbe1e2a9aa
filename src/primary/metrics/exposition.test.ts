import { spawnSync } from 'node:child_process';
import type { VersionBook } from '../config/versions/version-book.ts';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../shared/config/read-config.ts';
import type { Config } from '../../shared/config/types.ts';
import { createLog } from '../../shared/log.ts';
import { bucketOf, DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import {
  LIMIT_MODES,
  LIMIT_OUTCOMES,
  METHODS,
  ROUTE,
  ROWS,
  RULE,
  rowOf,
  rowStart,
  THREAD,
  UPSTREAM,
} from '../../shared/metrics/layout.ts';
import { counter, gauge } from './definition.ts';
import { createExposition } from './exposition.ts';
import { RunCounts } from '../jobs/run-counts.ts';
import { MetricMemory } from './metric-memory.ts';
import { metricsOperations } from './operations.ts';
import type { MetricParts } from './parts.ts';
import { TransitionCounts } from './transition-counts.ts';

const yamlOf = (routes: string): string => `
upstreams:
  one: { url: "http://127.0.0.1:1" }
routes:
${routes}`;

function configOf(routes: string): Config {
  const read = readConfig({ GATEWAY_CONFIG: 'test.yaml' }, () => yamlOf(routes));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.config;
}

const FIRST = `
  - { name: all, path: /all, upstream: one }
  - { name: read, path: /read, upstream: one, methods: [GET, PURGE], limits: [{ name: bulk, capacity: 1, refill_per_second: 1 }] }`;

function setUp(config = configOf(FIRST)) {
  const memory = new MetricMemory(3, config);
  const [first, second] = memory.blocks;
  if (first === undefined || second === undefined) throw new Error('no blocks');
  const transitions = new TransitionCounts();
  const logged: unknown[] = [];
  const log = Object.assign(createLog({ level: 'silent', name: 'test' }), {
    error: (what: unknown) => logged.push(what),
  });
  const parts: MetricParts = {
    memory,
    serving: () => true,
    jobs: { list: () => [], counts: new RunCounts() },
    backups: { metrics: [] },
    jwks: { views: () => [] },
    maintenance: { held: () => [] },
    versions: { store: 'files', book: {} as VersionBook, refusals: new Map() },
    threads: {
      restarts: 2,
      all: () => [{ slot: 0, worker: { performance } }],
      status: () => [
        { slot: 0, state: 'serving', inFlight: 3, openConnections: 5 },
        { slot: 1, state: 'leaving', inFlight: 1, openConnections: 1 },
      ],
    },
    front: { problem: '', refused: () => 0, refusedByRate: 3 },
    control: {
      liveNodes: 2,
      transitions,
      breakers: () => [{ upstream: 'one', state: 'HALF_OPEN', forced: null }],
    },
    health: {
      counts: new Map([['ok', 3]]),
      ageMs: 1_500,
      probes: true,
      upstreams: () => [{ upstream: 'one', panic: false }],
      targets: () => [{ upstream: 'one', target: 'http://a', up: false }],
    },
    splits: () => [
      { route: 'r', path: '/r', sides: [{ upstream: 'one', weight: 20, configured: 5, moved: null, when: null }] },
    ],
    concurrency: { views: () => [{ upstream: 'one', max: 9, inFlight: 4, waiting: 0 }] },
    ejections: { counts: () => [{ upstream: 'one', reason: 'reset', mode: 'on', count: 2 }] },
    reload: {
      active: () => ({ version: 4, config, tls: undefined }),
      last: { atMs: 1_500, outcome: { kind: 'refused' } },
    },
    redis: undefined,
    connections: undefined,
    node: 'n1',
    startedAtMs: 1_000,
    log,
  };
  const operations = metricsOperations(parts);
  const ask = async (path: string): Promise<string> => {
    const answer = await operations.find((each) => each.path === path)?.handle({} as never);
    return answer !== undefined && 'body' in answer ? answer.body : '';
  };
  return { memory, first, second, transitions, logged, scrape: () => ask('/metrics'), ask };
}

/** Values by the text before them. */
const seriesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

const add = (block: Float64Array, index: number, by = 1): void => void (block[index] = (block[index] ?? 0) + by);

/** As the request threads do it. */
function observe(block: Float64Array, start: number, seconds: number): void {
  add(block, start + bucketOf(seconds, DURATION_EDGES_SECONDS));
  add(block, start + DURATION_EDGES_SECONDS.length + 1, seconds);
}

describe('the exposition', () => {
  test('has every request series at 0 from the start, the same for all three counters', async () => {
    const { scrape } = setUp();
    const series = [...seriesOf(await scrape())];
    const labelsOf = (name: string): string[] =>
      series.flatMap(([key, value]) => (key.startsWith(`${name}{`) && value === 0 ? [key.slice(name.length)] : []));
    const labels = labelsOf('http_requests_total');
    expect(labels).toEqual([
      ...METHODS.map((method) => `{route="(none)",method="${method}"}`),
      ...['GET', 'HEAD'].map((method) => `{route="(probe)",method="${method}"}`),
      '{route="(preflight)",method="OPTIONS"}',
      ...METHODS.map((method) => `{route="all",method="${method}"}`),
      ...['GET', 'other'].map((method) => `{route="read",method="${method}"}`),
    ]);
    expect(labelsOf('http_requests_5xx_total')).toEqual(labels);
    expect(labelsOf('http_requests_429_total')).toEqual(labels);
  });

  test('adds up the threads, also one that has gone, and forgets what that one said of the moment', async () => {
    const { memory, first, second, scrape } = setUp();
    const route = rowStart('route', rowOf(memory.rows(), 'route', 'all'));
    const upstream = rowStart('upstream', rowOf(memory.rows(), 'upstream', 'one'));
    const rule = rowStart('rule', rowOf(memory.rows(), 'rule', 'bulk'));
    for (const block of [first, second]) {
      add(block, route + ROUTE.requests + 3 * METHODS.indexOf('POST'), 10);
      add(block, route + ROUTE.requests + 3 * METHODS.indexOf('POST') + 1, 2);
      add(block, route + ROUTE.requests + 3 * METHODS.indexOf('POST') + 2, 3);
      add(block, upstream + UPSTREAM.requests, 7);
      add(block, upstream + UPSTREAM.connectionsOpen, 4);
      add(block, THREAD.heapUsedBytes, 1_000);
      add(
        block,
        rule +
          RULE.decisions +
          LIMIT_MODES.indexOf('lease') * LIMIT_OUTCOMES.length +
          LIMIT_OUTCOMES.indexOf('refused'),
      );
    }
    memory.threadGone(1);
    const series = seriesOf(await scrape());
    expect(series.get('http_requests_total{route="all",method="POST"}')).toBe(20);
    expect(series.get('http_requests_5xx_total{route="all",method="POST"}')).toBe(4);
    expect(series.get('http_requests_429_total{route="all",method="POST"}')).toBe(6);
    expect(series.get('upstream_requests_total{upstream="one"}')).toBe(14);
    expect(series.get('upstream_connections{upstream="one",state="open"}')).toBe(4);
    expect(series.get('rate_limit_decisions_total{rule="bulk",mode="lease",outcome="refused"}')).toBe(2);
    expect(series.get('gateway_thread_heap_used_bytes{thread="0"}')).toBe(1_000);
    expect(series.has('gateway_thread_heap_used_bytes{thread="1"}')).toBe(false);
    expect(series.get('http_requests_in_flight')).toBe(4);
  });

  test('makes finer buckets into exactly those of the contract, cumulative, with sum and count', async () => {
    const { memory, first, second, scrape } = setUp();
    const start = rowStart('route', rowOf(memory.rows(), 'route', 'all')) + ROUTE.duration;
    const seconds = [0.00005, 0.0002, 0.001, 0.002, 0.3, 1, 7, 11];
    for (const [i, value] of seconds.entries()) {
      observe(i % 2 === 0 ? first : second, start, value);
    }
    const series = seriesOf(await scrape());
    const buckets = [...series].flatMap(([key, value]) => {
      const le = /^http_request_duration_seconds_bucket\{le="([^"]+)",route="all"\}$/.exec(key)?.[1];
      return le === undefined ? [] : [[le, value]];
    });
    expect(buckets).toEqual([
      ['0.001', 3],
      ['0.0025', 4],
      ['0.005', 4],
      ['0.01', 4],
      ['0.025', 4],
      ['0.05', 4],
      ['0.1', 4],
      ['0.25', 4],
      ['0.5', 5],
      ['1', 6],
      ['2.5', 6],
      ['5', 6],
      ['10', 7],
      ['+Inf', 8],
    ]);
    expect(series.get('http_request_duration_seconds_count{route="all"}')).toBe(8);
    expect(series.get('http_request_duration_seconds_sum{route="all"}')).toBeCloseTo(19.30325, 9);
    expect(series.get('http_request_duration_seconds_bucket{le="+Inf",route="read"}')).toBe(0);
  });

  test('keeps the series of a route that a reload takes away, and has those of a new one', async () => {
    const { memory, first, scrape } = setUp();
    add(first, rowStart('route', rowOf(memory.rows(), 'route', 'all')) + ROUTE.requests, 5);
    memory.configure(configOf('  - { name: "new", path: /new, upstream: one, methods: [PUT] }'));
    const series = seriesOf(await scrape());
    expect(series.get('http_requests_total{route="all",method="GET"}')).toBe(5);
    expect(series.get('http_requests_429_total{route="read",method="other"}')).toBe(0);
    expect(series.get('http_requests_total{route="new",method="PUT"}')).toBe(0);
    expect(series.has('http_requests_total{route="new",method="GET"}')).toBe(false);
  });

  test('has one row for the routes beyond the memory, from the start', async () => {
    const config = configOf(FIRST);
    const routes = Array.from({ length: ROWS.route }, (_, i) => ({ ...config.routes[i % 2], name: `r${i}` }));
    const { scrape } = setUp({ ...config, routes } as Config);
    const series = seriesOf(await scrape());
    expect(series.get('http_requests_total{route="(other)",method="GET"}')).toBe(0);
    const rows = [...series.keys()].filter((key) => key.startsWith('http_response_body_bytes_total'));
    expect(rows).toHaveLength(ROWS.route);
  });

  test('shows states as the runbook numbers them', async () => {
    const { transitions, scrape } = setUp();
    transitions.add('one', 'OPEN');
    const series = seriesOf(await scrape());
    expect(series.get('circuit_breaker_state{upstream="one"}')).toBe(3);
    expect(series.get('circuit_breaker_forced{upstream="one"}')).toBe(0);
    expect(series.get('upstream_target_up{upstream="one",target="http://a"}')).toBe(0);
    expect(series.get('upstream_panic{upstream="one"}')).toBe(0);
    expect(series.get('route_split_weight{route="r",upstream="one"}')).toBe(20);
    expect(series.get('upstream_target_ejections_total{upstream="one",reason="reset",mode="on"}')).toBe(2);
    expect(series.get('upstream_concurrency_limit{upstream="one"}')).toBe(9);
    expect(series.get('upstream_in_flight{upstream="one"}')).toBe(4);
    expect(series.get('shed_total{reason="connect_rate",priority="none"}')).toBe(3);
    expect(series.get('health_probes_total{outcome="ok"}')).toBe(3);
    expect(series.get('health_age_seconds')).toBe(1.5);
    expect(series.get('circuit_breaker_transitions_total{upstream="one",to="OPEN"}')).toBe(1);
    expect(series.get('circuit_breaker_transitions_total{upstream="one",to="CLOSED"}')).toBe(0);
    expect(series.get('gateway_threads{state="serving"}')).toBe(1);
    expect(series.get('gateway_threads{state="parked"}')).toBe(0);
    expect(series.get('gateway_config_last_reload_success')).toBe(0);
    expect(series.get('gateway_config_last_reload_timestamp_seconds')).toBe(1.5);
    expect(series.get('gateway_thread_restarts_total')).toBe(2);
    expect(series.has('redis_up') || series.has('rate_limit_store_up')).toBe(false);
  });

  test('is down with the limits store as soon as one thread skips it', async () => {
    const { first, second, scrape } = setUp();
    first[THREAD.storeState] = 1;
    expect(seriesOf(await scrape()).get('rate_limit_store_up')).toBe(1);
    second[THREAD.storeState] = 2;
    expect(seriesOf(await scrape()).get('rate_limit_store_up')).toBe(0);
  });

  test('suits promtool', async () => {
    const { first, scrape } = setUp();
    first[THREAD.storeState] = 1;
    first[THREAD.heapUsedBytes] = 1;
    observe(first, THREAD.loopLag, 0.1);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await scrape(), encoding: 'utf8' });
    expect([checked.error, checked.stdout, checked.stderr, checked.status]).toEqual([undefined, '', '', 0]);
  });
});

describe('a metric that fails', () => {
  test('is left out and logged once; the rest is served', async () => {
    const logged: unknown[] = [];
    const log = Object.assign(createLog({ level: 'silent', name: 'test' }), {
      error: (what: unknown) => logged.push(what),
    });
    const fail = (): never => {
      throw new Error('test');
    };
    const exposition = createExposition(
      [
        counter('good_total', 'Good.', () => 1),
        gauge('bad', 'Bad.', fail),
        gauge('unknown', 'Unknown.', () => undefined),
      ],
      log,
    );
    const text = await exposition.render();
    expect(text).toContain('good_total 1\n');
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).not.toMatch(/bad|unknown/);
    expect(await exposition.render()).toContain('good_total 1\n');
    expect(logged).toMatchObject([{ metric: 'bad' }]);
  });
});

describe('traffic', () => {
  test('is the sum over all routes, and each of them', async () => {
    const { memory, first, second, ask } = setUp();
    for (const [name, block] of [
      ['all', first],
      ['read', second],
    ] as const) {
      const start = rowStart('route', rowOf(memory.rows(), 'route', name));
      add(block, start + ROUTE.requests, 10);
      add(block, start + ROUTE.requests + 1, 2);
      add(block, start + ROUTE.requests + 2, 3);
      add(block, start + ROUTE.bytesSent, 100);
      observe(block, start + ROUTE.duration, 0.0001);
    }
    const traffic: unknown = JSON.parse(await ask('/admin/traffic'));
    expect(traffic).toMatchObject({
      node: 'n1',
      requests: 20,
      errors5xx: 4,
      refused429: 6,
      inFlight: 4,
      openConnections: 6,
      bytesSent: 200,
      duration: { edgesSeconds: DURATION_EDGES_SECONDS, counts: [2, ...DURATION_EDGES_SECONDS.map(() => 0)] },
      routes: [
        { route: '(none)', requests: 0 },
        { route: '(probe)', requests: 0 },
        { route: '(preflight)', requests: 0 },
        { route: 'all', requests: 10, errors5xx: 2, refused429: 3 },
        { route: 'read', requests: 10 },
      ],
    });
  });
});
