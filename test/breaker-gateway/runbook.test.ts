import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor } from '../support/wait.ts';

const run = promisify(execFile);

/** The runbook's loop: every request a curl of its own; prints the statuses. */
async function curls(port: number, path: string, count: number): Promise<string[]> {
  const loop = `for i in {1..${count}}; do curl -s -o /dev/null -w '%{http_code} ' http://127.0.0.1:${port}${path}; done`;
  const { stdout } = await run('bash', ['-c', loop]);
  return stdout.trim().split(' ');
}

const LOOPS = 20;

interface Attempt {
  readonly redis: TestRedis | undefined;
  readonly env: NodeJS.Dict<string>;
  /** The 20 requests take no longer. */
  readonly mostMs: number;
}

/** A gateway whose 20 requests came within that time. On a busy machine one has to try again: by then the breaker may ask its upstream anew. */
async function opened({ redis, env, mostMs }: Attempt): Promise<{
  gateway: Gateway;
  statuses: readonly string[];
  upstream: ScriptedUpstream;
}> {
  const REDIS = redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  for (let i = 0; i < LOOPS; i++) {
    await redis?.client.flushall();
    const upstream = await scriptedUpstream();
    upstream.onPath.set('/fail', 500);
    const gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url, WORKERS: '2', ...REDIS, ...env } });
    const startedMs = performance.now();
    const statuses = await curls(gateway.port, '/proxy/fail', 20);
    if (performance.now() - startedMs <= mostMs) return { gateway, statuses, upstream };
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  }
  throw new Error(`20 requests took more than ${mostMs} ms, ${LOOPS} times`);
}

describe("the runbook's check", () => {
  // The whole 35 s of waiting cost no processor time; nothing but the number of threads and the addresses is set.
  test.concurrent.each([
    { name: 'without Redis', shared: false, env: {}, mostMs: 9_000, pauseMs: 35_000 },
    { name: 'with Redis', shared: true, env: {}, mostMs: 9_000, pauseMs: 35_000 },
    {
      name: 'with a wait of 5 s',
      shared: true,
      env: { CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '5' },
      mostMs: 4_500,
      pauseMs: 5_500,
    },
  ])('20 requests that fail, a wait, one that is well: $name', async ({ shared, env, mostMs, pauseMs }) => {
    await using redis = shared ? await startRedis() : undefined;
    const { gateway, statuses, upstream } = await opened({ redis, env, mostMs });
    await using _gateway = gateway;
    await using _upstream = upstream;
    expect(statuses).toEqual([...Array(5).fill('500'), ...Array(15).fill('503')]);
    expect(upstream.calls).toHaveLength(5);
    await quietFor(pauseMs, 'what the runbook does');
    expect(await curls(gateway.port, '/proxy/ok', 1)).toEqual(['200']);
  });
});
