import { expect, test } from 'vitest';
import { THREAD } from '../../src/shared/metrics/layout.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';
import { startRedis } from '../support/redis.ts';
import { openRedisStore } from './stores.ts';
import { eventually } from '../support/wait.ts';

test('a Redis that was silent for more than a second: what its late answers took in vain goes back', async () => {
  await using redis = await startRedis();
  const opened = await openRedisStore({ port: redis.port, host: '127.0.0.1' }, { probeTimeoutMs: 60_000 });
  const capacity = 1_000;
  const spec = laneSpec({ capacity, refillPerSecond: 0.001 });
  // Of a thousand nodes this one has a token at most to grant by itself.
  const asked = openLimiter(opened.store, { timeoutMs: 50, liveNodes: () => capacity });
  expect((await asked.ask('client', spec)).decision.mode).toBe('store');
  redis.kill('SIGSTOP');
  let granted = 1;
  while (opened.store.available) {
    const asks = Array.from({ length: 10 }, () => asked.ask('client', spec));
    for (const { decision } of await Promise.all(asks)) if (decision.outcome === 'granted') granted++;
  }
  expect(opened.counted.at(THREAD.redisTimeouts)).toBe(3);
  await eventually(() => opened.store.isGone, 'it counts as gone');
  redis.kill('SIGCONT');
  await eventually(() => opened.store.available, 'it answers');
  const tokens = async (): Promise<number> =>
    Number(await redis.client.hget('api-gateway:rate-limit:client', 'tokens'));
  await eventually(async () => Math.floor(await tokens()) === capacity - granted, 'all but what was granted is there');
  await asked.limiter.close();
});
