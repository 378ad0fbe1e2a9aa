import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { startGateway } from '../support/gateway.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { quietFor } from '../support/wait.ts';

const run = promisify(execFile);

/** The runbook's loop: every request a curl of its own; prints the statuses. */
async function curls(port: number, path: string, count: number): Promise<string[]> {
  const loop = `for i in {1..${count}}; do curl -s -o /dev/null -w '%{http_code} ' http://127.0.0.1:${port}${path}; done`;
  const { stdout } = await run('bash', ['-c', loop]);
  return stdout.trim().split(' ');
}

describe("the runbook's check", () => {
  // The whole 35 s of waiting cost no processor time; nothing but the number of threads and the addresses is set.
  test.concurrent.each([
    { name: 'without Redis', shared: false, env: {}, pauseMs: 35_000 },
    { name: 'with Redis', shared: true, env: {}, pauseMs: 35_000 },
    {
      name: 'with a wait of 15 s',
      shared: true,
      env: { CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '15' },
      pauseMs: 15_500,
    },
  ])('20 requests that fail, a wait, one that is well: $name', async ({ shared, env, pauseMs }) => {
    await using upstream = await scriptedUpstream();
    await using redis = shared ? await startRedis() : undefined;
    upstream.onPath.set('/fail', 500);
    const REDIS = redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
    await using gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url, WORKERS: '2', ...REDIS, ...env } });
    expect(await curls(gateway.port, '/proxy/fail', 20)).toEqual([...Array(5).fill('500'), ...Array(15).fill('503')]);
    expect(upstream.calls).toHaveLength(5);
    await quietFor(pauseMs, 'what the runbook does');
    expect(await curls(gateway.port, '/proxy/ok', 1)).toEqual(['200']);
  });
});
