import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startNode, statusAt, untilShared } from './setup.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { quietFor } from '../support/wait.ts';

const WINDOW_MS = 3_000;
const REQUESTS = 200;

/** Commands that Redis has run for others than this test, scripts' own calls included. */
async function commandsOf({ client }: TestRedis): Promise<number> {
  const info = await client.info('commandstats');
  let sum = 0;
  for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm))
    if (name !== 'info') sum += Number(calls);
  return sum;
}

test('healthy traffic sends Redis no command: as many in loaded seconds as in idle ones', async () => {
  await using redis = await startRedis();
  await using upstream = await scriptedUpstream();
  await using node = await startNode({ upstream, redis, env: { WORKERS: '2' } });
  await untilShared(node);
  expect(await statusAt(node)).toBe(200);

  const idleFrom = await commandsOf(redis);
  const idleFromMs = performance.now();
  await quietFor(WINDOW_MS, 'what comes without any traffic is counted');
  const idle = (await commandsOf(redis)) - idleFrom;
  const idleMs = performance.now() - idleFromMs;

  const loadedFrom = await commandsOf(redis);
  const loadedFromMs = performance.now();
  let requests = 0;
  while (performance.now() - loadedFromMs < WINDOW_MS || requests <= REQUESTS) {
    const seen = await Promise.all(Array.from({ length: 8 }, () => statusAt(node)));
    expect(seen).toEqual(Array(8).fill(200));
    requests += seen.length;
  }
  const loaded = (await commandsOf(redis)) - loadedFrom;
  const inProportion = (idle * (performance.now() - loadedFromMs)) / idleMs;
  // Both hold the same heartbeats and re-reads, some ten commands a second; a few may fall into either window.
  expect(loaded).toBeLessThanOrEqual(1.2 * inProportion + 12);
  expect(inProportion + REQUESTS).toBeGreaterThan(1.2 * inProportion + 12); // a command a request would show
});
