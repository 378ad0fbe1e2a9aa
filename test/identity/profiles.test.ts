import { expect, test } from 'vitest';
import { plainBucketKey } from '../../src/shared/redis/keys.ts';
import { PATIENT } from '../limits-gateway/setup.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { aKey, startKeyed } from './setup.ts';

const PROFILES = [
  { name: 'iot', capacity: 200, rate: 20 },
  { name: 'web', capacity: 100, rate: 10 },
  { name: 'partner', capacity: 50, rate: 5 },
] as const;
const CALLERS = PROFILES.map((profile) => ({ ...profile, ...aKey() }));

const FILE = `
profiles:
${PROFILES.map(({ name, capacity, rate }) => `  ${name}: { limits: [{ capacity: ${capacity}, refill_per_second: ${rate} }] }`).join('\n')}
consumers:
${CALLERS.map(({ name, yaml }) => `  c-${name}: { profile: ${name}, keys: [${yaml}] }`).join('\n')}
routes:
  - { path: /a, upstream: o, authenticate: [api_key] }
  - { path: /b, upstream: o, authenticate: [api_key] }
`;

/** Refusals that each loop waits for: then its consumer's bucket is empty, and stays so for a while. */
const REFUSALS = 15;

async function redisMs({ client }: TestRedis): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

test('three profiles at once, on two nodes and two routes: nobody gets more than his bucket held', async () => {
  await using redis = await startRedis();
  const env = { ...PATIENT, ACCESS_LOG: 'off', REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  await using one = await startKeyed(FILE, { env });
  await using two = await startKeyed(FILE, { env });
  const startMs = await redisMs(redis);
  const load = async (key: string, at: { readonly port: number; readonly path: string }): Promise<number> => {
    const ask = { path: at.path, headers: { 'x-api-key': key } };
    let granted = 0;
    for (let refused = 0; refused < REFUSALS;) {
      const { status } = await get(at.port, ask);
      if (status === 200) granted++;
      else if (status === 429) refused++;
      else throw new Error(`status ${status}`);
    }
    return granted;
  };
  const places = [one.port, two.port].flatMap((port) => ['/a', '/b'].map((path) => ({ port, path })));
  const granted = await Promise.all(
    CALLERS.map(async ({ key }) => {
      const each = await Promise.all(places.map((at) => load(key, at)));
      return each.reduce((sum, count) => sum + count, 0);
    }),
  );
  for (const [i, { name, capacity, rate }] of CALLERS.entries()) {
    const hash = await redis.client.hmget(plainBucketKey(`consumer=c-${name}`, ''), 'tokens', 'updated_ms');
    const [tokens, updatedMs] = hash.map(Number) as [number, number];
    const most = capacity + (rate * (updatedMs - startMs)) / 1_000 - tokens;
    expect(granted[i], name).toBeGreaterThanOrEqual(capacity);
    expect(granted[i], name).toBeLessThanOrEqual(most + 0.001);
  }
});
