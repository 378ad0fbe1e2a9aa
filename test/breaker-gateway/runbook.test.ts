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

/** The gateway's own wait, and what the runbook waits for it. */
const USUAL = { resetSeconds: 30, pauseMs: 35_000 };
const LONGEST_RESET_SECONDS = 320;

interface Opened {
  readonly gateway: Gateway;
  readonly statuses: readonly string[];
  readonly upstream: ScriptedUpstream;
  /** After it the breaker asks its upstream anew. */
  readonly pauseMs: number;
}

/**
 * A gateway that has had its 20 requests before its breaker could ask the upstream anew. Where a machine is too busy for
 * that, the next one waits twice as long.
 */
async function opened(redis: TestRedis | undefined, firstResetSeconds: number): Promise<Opened> {
  const REDIS = redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  for (let resetSeconds = firstResetSeconds; resetSeconds <= LONGEST_RESET_SECONDS; resetSeconds *= 2) {
    await redis?.client.flushall();
    const upstream = await scriptedUpstream();
    upstream.onPath.set('/fail', 500);
    const isUsual = resetSeconds === USUAL.resetSeconds;
    const env = isUsual ? {} : { CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: String(resetSeconds) };
    const gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url, WORKERS: '2', ...REDIS, ...env } });
    const startedMs = performance.now();
    const statuses = await curls(gateway.port, '/proxy/fail', 20);
    const pauseMs = isUsual ? USUAL.pauseMs : 1_000 * resetSeconds + 500;
    if (performance.now() - startedMs < 900 * resetSeconds) return { gateway, statuses, upstream, pauseMs };
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  }
  throw new Error(`20 requests took more than ${LONGEST_RESET_SECONDS} s`);
}

describe("the runbook's check", () => {
  // The whole 35 s of waiting cost no processor time; nothing but the number of threads and the addresses is set.
  test.concurrent.each([
    { name: 'without Redis', shared: false, firstResetSeconds: USUAL.resetSeconds },
    { name: 'with Redis', shared: true, firstResetSeconds: USUAL.resetSeconds },
    { name: 'with a wait of 5 s', shared: true, firstResetSeconds: 5 },
  ])('20 requests that fail, a wait, one that is well: $name', async ({ shared, firstResetSeconds }) => {
    await using redis = shared ? await startRedis() : undefined;
    const { gateway, statuses, upstream, pauseMs } = await opened(redis, firstResetSeconds);
    await using _gateway = gateway;
    await using _upstream = upstream;
    expect(statuses).toEqual([...Array(5).fill('500'), ...Array(15).fill('503')]);
    expect(upstream.calls).toHaveLength(5);
    await quietFor(pauseMs, 'what the runbook does');
    expect(await curls(gateway.port, '/proxy/ok', 1)).toEqual(['200']);
  });
});
