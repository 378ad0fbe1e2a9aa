import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startUpstream } from '../../src/demo/server.ts';
import type { Upstream } from '../../src/demo/server.ts';
import { NO_REFILL, PATIENT } from '../limits-gateway/setup.ts';
import { startSteadyLoad } from '../limits-gateway/steady-load.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { startPrometheus } from './prometheus-server.ts';
import type { TestPrometheus, VectorSample } from './prometheus-server.ts';
import { scrape } from './prometheus-text.ts';

/** So many requests of the limited route pass, on both gateways together. */
const GRANTED = 40;
const SCRAPES_UNDER_LOAD = 8;
/** Of each load at least, but of the slow one. */
const REQUESTS = 60;

const yamlFor = (upstreamPort: number): string => `
upstreams:
  demo: { url: "http://127.0.0.1:${upstreamPort}", circuit_breaker: { failure_threshold: 4000, window: { error_rate: 0 } } }
  gone: { url: "http://127.0.0.1:1", circuit_breaker: { reset_timeout_seconds: 300 } }
routes:
  - { name: good, path: /ok, upstream: demo }
  - { name: bad, path: /fail, upstream: demo }
  - { name: slow, path: /slow, upstream: demo }
  - { name: lost, path: /lost, upstream: gone }
  - name: limited
    path: /limited
    strip_prefix: true
    upstream: demo
    limits: [{ name: one, capacity: ${GRANTED}, refill_per_second: ${NO_REFILL} }]
`;

const PATHS = {
  good: '/ok',
  bad: '/fail',
  slow: '/slow?ms=1200',
  limited: '/limited/ok',
  lost: '/lost',
} as const;
type RouteName = keyof typeof PATHS;
const NAMES = Object.keys(PATHS) as RouteName[];

/** What the load's clients got from one route of one gateway. */
interface Got {
  readonly all: number;
  readonly errors: number;
  readonly refused: number;
  /** 503: here only the breaker answers so. */
  readonly broken: number;
  /** The longest that one took. */
  readonly slowestSec: number;
}

/** The runbook's queries, letter for letter. */
const QUERIES = {
  requestRate: 'rate(http_requests_total[5m])',
  errorRate: 'rate(http_requests_5xx_total[5m]) / rate(http_requests_total[5m])',
  limitRate: 'rate(http_requests_429_total[5m]) / rate(http_requests_total[5m])',
  breaker: 'circuit_breaker_state',
  redisMemory: 'redis_memory_used_bytes / redis_memory_max_bytes',
} as const;

describe("the runbook's queries, asked of a Prometheus that scrapes two gateways under load", () => {
  let redis: TestRedis;
  let upstream: Upstream;
  const gateways: Gateway[] = [];
  let prometheus: TestPrometheus;
  /** The last scrape of both: all is asked as of then. */
  let scrapedMs = 0;
  /** By `instance`, as Prometheus calls a gateway. */
  const got = new Map<string, Record<RouteName, Got>>();

  beforeAll(async () => {
    redis = await startRedis();
    upstream = await startUpstream();
    const start = (name: string): Promise<Gateway> =>
      startGateway({
        yaml: yamlFor(upstream.port),
        env: {
          ACCESS_LOG: 'off',
          WORKERS: '2',
          NODE_NAME: name,
          REDIS_URL: `redis://127.0.0.1:${redis.port}`,
          ...PATIENT,
        },
      });
    // One after the other, so that afterAll knows the first where the second does not start.
    for (const name of ['a', 'b']) gateways.push(await start(name));
    prometheus = await startPrometheus(gateways.map(({ adminPort }) => adminPort));
    // The first requests come after a scrape that saw 0, so that nothing is left to guess.
    await prometheus.scrapedAgain();
    const loads = gateways.flatMap(({ adminPort, port }) =>
      NAMES.map((name) => ({
        instance: `127.0.0.1:${adminPort}`,
        name,
        load: startSteadyLoad({ ports: [port], path: PATHS[name], clients: name === 'slow' ? 3 : 1, paceMs: 10 }),
      })),
    );
    await eventually(async () => {
      const counts = await prometheus.query(`min(sum_over_time(up[5m]))`);
      const isEnough = loads.every(({ name, load }) => name === 'slow' || load.samples.length > REQUESTS);
      return isEnough && (counts[0]?.value ?? 0) > SCRAPES_UNDER_LOAD;
    }, 'scrapes under load');
    await Promise.all(loads.map(({ load }) => load.stop()));
    for (const { instance, name, load } of loads) {
      const statuses = load.samples.map(({ status }) => status);
      const count = (takes: (status: number) => boolean): number => statuses.filter(takes).length;
      const known = got.get(instance) ?? ({} as Record<RouteName, Got>);
      known[name] = {
        all: statuses.length,
        errors: count((status) => status >= 500),
        refused: count((status) => status === 429),
        broken: count((status) => status === 503),
        slowestSec: Math.max(...load.samples.map(({ sentMs, endMs }) => (endMs - sentMs) / 1000)),
      };
      got.set(instance, known);
    }
    scrapedMs = await prometheus.scrapedAgain();
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await Promise.all(gateways.map((each) => each[Symbol.asyncDispose]()));
    await upstream?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  const query = (promql: string): Promise<VectorSample[]> => prometheus.query(promql, scrapedMs);
  const gotBy = (instance: string | undefined, route: string | undefined): Got => {
    const found = got.get(instance ?? '')?.[route as RouteName];
    if (found === undefined) throw new Error(`no load on ${instance} ${route}`);
    return found;
  };
  const total = (read: (got: Got) => number): number =>
    [...got.values()].flatMap((routes) => Object.values(routes)).reduce((sum, each) => sum + read(each), 0);
  /** Series of routes that had load. */
  const loaded = (samples: readonly VectorSample[]): VectorSample[] =>
    samples.filter(({ labels }) => labels['method'] === 'GET' && NAMES.includes(labels['route'] as RouteName));
  const only = (samples: readonly VectorSample[]): number => {
    expect(samples).toHaveLength(1);
    return samples[0]?.value ?? Number.NaN;
  };

  test('counters: exactly what the clients sent and got', async () => {
    expect(total(({ errors }) => errors)).toBeGreaterThan(50);
    expect(total(({ refused }) => refused)).toBeGreaterThan(50);
    expect(only(await query('sum(http_requests_total)'))).toBe(total(({ all }) => all));
    expect(only(await query('sum(http_requests_5xx_total)'))).toBe(total(({ errors }) => errors));
    expect(only(await query('sum(http_requests_429_total)'))).toBe(total(({ refused }) => refused));
    // Both share one bucket.
    expect(total(({ all }) => all) - total(({ refused, errors }) => refused + errors)).toBe(
      only(await query('sum(http_requests_total{route=~"good|slow"})')) + GRANTED,
    );
    for (const { labels, value } of loaded(await query('http_requests_total'))) {
      expect(value, JSON.stringify(labels)).toBe(gotBy(labels['instance'], labels['route']).all);
    }
  });

  test('request rate', async () => {
    const rates = loaded(await query(QUERIES.requestRate));
    expect(rates).toHaveLength(2 * NAMES.length);
    for (const { labels, value } of rates) {
      // Over five minutes; Prometheus adds up to one scrape interval to the time it has seen.
      const { all } = gotBy(labels['instance'], labels['route']);
      expect(value * 300, JSON.stringify(labels)).toBeGreaterThanOrEqual(all * 0.999);
      expect(value * 300, JSON.stringify(labels)).toBeLessThan(all * (1 + 2 / SCRAPES_UNDER_LOAD));
    }
  });

  test.each([
    ['error rate', QUERIES.errorRate, 'errors'],
    ['rate limit hit rate', QUERIES.limitRate, 'refused'],
  ] as const)('%s', async (_, promql, part) => {
    const quotients = loaded(await query(promql));
    expect(quotients).toHaveLength(2 * NAMES.length);
    for (const { labels, value } of quotients) {
      const counts = gotBy(labels['instance'], labels['route']);
      expect(value, JSON.stringify(labels)).toBeCloseTo(counts[part] / counts.all, 6);
    }
  });

  test('circuit breaker state', async () => {
    const states = await query(QUERIES.breaker);
    expect(states.map(({ labels, value }) => `${labels['upstream']} ${value}`).sort()).toEqual([
      'demo 1',
      'demo 1',
      'gone 2',
      'gone 2',
    ]);
    expect(only(await query('min(circuit_breaker_transitions_total{upstream="gone",to="OPEN"})'))).toBe(1);
    const broken = total((each) => each.broken);
    expect(broken).toBeGreaterThan(50);
    expect(only(await query('sum(circuit_breaker_refused_total)'))).toBe(broken);
  });

  test('Redis memory', async () => {
    const quotients = await query(QUERIES.redisMemory);
    expect(quotients).toHaveLength(2);
    for (const { value } of quotients) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    }
  });

  test('latency alert: p95 of each route', async () => {
    const p95 = await query(
      'histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket[5m])))',
    );
    const of = (route: string): number => p95.find(({ labels }) => labels['route'] === route)?.value ?? Number.NaN;
    // No more than the edge above what the slowest took, and the edges are 2.5 times apart at most.
    const edgeAbove = (route: RouteName): number =>
      2.5 * Math.max(...[...got.values()].map((routes) => routes[route].slowestSec));
    expect(of('slow')).toBeGreaterThan(1);
    expect(of('slow')).toBeLessThanOrEqual(Math.max(2.5, edgeAbove('slow')));
    expect(of('good')).toBeLessThan(Math.max(1, edgeAbove('good')));
    expect(only(await query('sum(http_request_duration_seconds_count)'))).toBe(total(({ all }) => all));
  });

  test('what the gateways say now is what Prometheus has', async () => {
    const now = await Promise.all(gateways.map(scrape));
    expect(now.reduce((sum, each) => sum + each.sum('http_requests_total'), 0)).toBe(total(({ all }) => all));
  });
});
