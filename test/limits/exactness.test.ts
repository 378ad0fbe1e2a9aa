import { describe, expect, test } from 'vitest';
import { takeScript } from '../../src/shared/limits/take-script.ts';
import type { Script } from '../../src/shared/redis/scripts.ts';
import { expectExact, hammer } from './hammering.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';
import { startRedis } from '../support/redis.ts';
import { openRedisStore } from './stores.ts';
import { quietFor } from '../support/wait.ts';

const local = '127.0.0.1';

describe('many processes and threads on one bucket', () => {
  test('grant what the bucket allows, and at least 99 % of it, whatever their clocks say', async () => {
    await using redis = await startRedis();
    const result = await expectExact({ connection: { port: redis.port, host: local }, seconds: 4 });
    expect(result.other).toBeGreaterThan(result.granted);
  });

  test('never more across a kill and restart of a Redis that persists', async () => {
    await using redis = await startRedis(['--appendonly', 'yes']);
    const [capacity, rate] = [2_000, 100];
    const result = await hammer(
      { connection: { port: redis.port, host: local }, threads: 2, seconds: 3, capacity, rate, skewsMs: [0, -60_000] },
      async () => {
        await quietFor(1_000, 'the load is in its middle');
        await redis.restart();
      },
    );
    expect(result.granted).toBeLessThanOrEqual(capacity + rate * result.outerSeconds);
    expect(result.granted).toBeGreaterThan(capacity);
  });
});

describe('the audit', () => {
  /** Four threads' worth of limiters ask for thrice what a bucket that hardly refills holds; returns what was granted. */
  async function audit(script: Script): Promise<number> {
    await using redis = await startRedis();
    const limiters = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const opened = await openRedisStore({ port: redis.port, host: local }, { script });
        return openLimiter(opened.store, { timeoutMs: 2_000 });
      }),
    );
    const spec = laneSpec({ capacity: 100, refillPerSecond: 1e-6 }, { onStoreFailure: 'closed' });
    const asked = limiters.flatMap((one) => Array.from({ length: 75 }, () => one.ask('client', spec)));
    const decisions = await Promise.all(asked);
    await Promise.all(limiters.map((one) => one.limiter.close()));
    return decisions.filter(({ decision }) => decision.outcome === 'granted').length;
  }

  test('holds for the script', async () => {
    expect(await audit(takeScript)).toBe(100);
  });

  test('bites when the script grants one too many', async () => {
    const exact = ' floor(level / cost)';
    expect(takeScript.source).toContain(exact);
    const source = takeScript.source.replace(exact, `${exact} + 1`);
    expect(await audit({ source, sha: '0'.repeat(40) })).toBe(101); // an unknown SHA: Redis is given the source
  });
});
