import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { startUpstream } from '../../src/demo/server.ts';
import { startPrometheus } from '../metrics/prometheus-server.ts';
import { startGateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { startRedis } from '../support/redis.ts';
import { quietFor, until } from '../support/wait.ts';

/* The six alerts of the runbook, each fired by what it is about. The shipped rules, with every duration a twentieth. */

const FASTER = 20;
const SECONDS = { s: 1, m: 60, h: 3600 } as const;
/** Of served time, of which each look counts for a little: minutes. */
const WITHIN_MS = 10_000;

const faster = (rules: string): string =>
  rules.replaceAll(/(?<=\[|for: )\d+[smh]/g, (duration) => {
    const seconds = Number.parseInt(duration, 10) * SECONDS[duration.at(-1) as keyof typeof SECONDS];
    return `${Math.max(1, Math.round(seconds / FASTER))}s`;
  });

const upstream = await startUpstream();
const redis = await startRedis(['--maxmemory', '64mb']);
const gateway = await startGateway({
  env: {
    UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    RATE_LIMIT_CAPACITY: '100',
    RATE_LIMIT_REFILL_RATE: '20',
    CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '2',
  },
});
const prometheus = await startPrometheus([gateway.adminPort], {
  job: 'api-gateway',
  rules: faster(readFileSync('compose/prometheus/alerts.yml', 'utf8')),
});

afterAll(async () => {
  await prometheus[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const call = (path: string): Promise<unknown> => get(gateway.port, path).catch(() => undefined);

/** Goes on causing it until the alert fires. */
async function fires(alert: string, cause: () => Promise<unknown>): Promise<void> {
  await until(
    async () => {
      await cause();
      await quietFor(500, 'Prometheus looks once a second');
      return (await prometheus.firing()).includes(alert);
    },
    { withinMs: WITHIN_MS, describe: () => `${alert} fires` },
  );
}

test.each([
  ['HighResponseLatency', () => Promise.all([1, 2, 3].map(() => call('/proxy/slow')))],
  ['HighRateLimitRejections', () => Promise.all(Array.from({ length: 120 }, () => call('/proxy/ok')))],
  ['UpstreamHighErrorRate', () => Promise.all([1, 2, 3].map(() => call('/proxy/fail')))],
  ['CircuitBreakerFrequentlyOpen', () => call('/proxy/fail')],
] as const)('%s', async (alert, cause) => {
  await fires(alert, cause);
  expect(await prometheus.firing()).toContain(alert);
});

test('RedisHighMemoryUsage, and it ends', async () => {
  const fillers = Array.from({ length: 56 }, (_, i) => `filler:${i}`);
  for (const filler of fillers) await redis.client.set(filler, Buffer.alloc(1_000_000));
  await fires('RedisHighMemoryUsage', () => Promise.resolve());
  await redis.client.del(...fillers);
  await until(
    async () => {
      await quietFor(500, 'Prometheus looks once a second');
      return !(await prometheus.firing()).includes('RedisHighMemoryUsage');
    },
    { withinMs: WITHIN_MS },
  );
});

test('ServiceDown', async () => {
  await gateway.stop();
  await fires('ServiceDown', () => Promise.resolve());
});
