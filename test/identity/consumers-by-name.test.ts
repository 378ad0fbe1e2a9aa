import { describe, expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { NO_REFILL, PATIENT } from '../limits-gateway/setup.ts';
import { commandIn } from '../cli/command.ts';
import { startRedis } from '../support/redis.ts';
import { get, statuses } from '../support/requests.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import { eventually } from '../support/wait.ts';
import { startKeyed } from './setup.ts';

const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
const profile = (capacity: number, more = ''): string =>
  `{ limits: [{ capacity: ${capacity}, refill_per_second: ${NO_REFILL} }${more}] }`;
const daily = `, { name: daily, capacity: 9, refill_per_second: ${NO_REFILL} }`;

/** Whose profile only the token says. */
describe.each(['memory', 'redis'])('consumers of tokens, in %s', (store) => {
  test('are looked at, changed and refused with the limits that hold for them', async () => {
    await using redis = await startRedis();
    const key = await signingKey('k');
    await using issuer = await tokenIssuer(key);
    const file = `
profiles: { small: ${profile(3)}, large: ${profile(6, daily)}, twin: ${profile(6, daily)} }
issuers:
  main: { issuer: "${CLAIMS.iss}", jwks_url: "${issuer.url}", profile: small, profile_claim: plan }
routes:
  - { path: /a, upstream: o, authenticate: [jwt] }
  - { path: /open, upstream: o }`;
    const REDIS_URL = `redis://127.0.0.1:${redis.port}`;
    await using keyed = await startKeyed(file, { env: store === 'redis' ? { ...PATIENT, REDIS_URL } : PATIENT });
    const { gateway, port } = keyed;
    const run = commandIn({ ADMIN_PORT: String(gateway.adminPort), STATE_DIR: gateway.stateDir });
    const by = async (sub: string, plan?: string) => ({
      path: '/a',
      headers: { authorization: `Bearer ${await signToken(key, { exp, claims: { sub, plan } })}` },
    });
    const json = async (...args: string[]): Promise<unknown> => JSON.parse((await run(...args, '--json')).stdout);

    const large = await by('d1', 'large');
    expect(await statuses(port, 2, large)).toEqual([200, 200]);
    expect(await json('limit', 'get', 'main~d1')).toMatchObject({
      client: 'consumer=main~d1',
      profile: { name: 'large', from: 'buckets' },
      buckets: [
        { rule: 'profile:large', exists: true, tokens: expect.closeTo(4, 1), capacity: 6 },
        { rule: 'profile:large:daily', exists: true, tokens: expect.closeTo(7, 1), capacity: 9 },
      ],
    });
    expect(await statuses(port, 5, large)).toEqual([200, 200, 200, 200, 429]);
    const why = (await run('why', 'main~d1')).stdout;
    expect(why).toMatch(/main~d1 would be refused on a\./);
    expect(why).toMatch(/profile +large/);
    expect(why).toMatch(/^a +429 +profile:large +/m);

    expect(await json('limit', 'set', 'main~d1', '--tokens', '50')).toMatchObject({
      buckets: [
        { rule: 'profile:large', tokens: 6 },
        { rule: 'profile:large:daily', tokens: 9 },
      ],
    });
    expect(await statuses(port, 7, large)).toEqual([200, 200, 200, 200, 200, 200, 429]);
    expect(await json('limit', 'reset', 'main~d1')).toMatchObject({ deletedBuckets: 2 });
    expect((await run('why', 'main~d1')).stdout).toMatch(/^(consumer=)?main~d1 passes/);
    expect(await statuses(port, 7, large)).toEqual([200, 200, 200, 200, 200, 200, 429]);

    const plain = await by('auth0|5');
    expect(await statuses(port, 1, plain)).toEqual([200]);
    expect(await json('limit', 'get', 'main~auth0|5')).toMatchObject({
      client: 'consumer=main~auth0%7C5',
      profile: { name: 'small', from: 'buckets' },
      buckets: [{ rule: 'profile:small', tokens: expect.closeTo(2, 1), capacity: 3 }],
    });
    const fresh = await json('limit', 'ban', 'main~auth0|5', '--for', '1h');
    expect(fresh).toMatchObject({ client: 'consumer=main~auth0%7C5', override: { state: 'BANNED' } });
    expect((await get(port, plain)).status).toBe(403);
    expect(await json('limit', 'ban', 'main~unseen')).toMatchObject({ profile: { name: 'small', from: 'issuer' } });
    expect((await run('limit', 'list')).stdout).toMatch(/^consumer=main~unseen +BANNED/m);
    await run('limit', 'exempt', 'main~d1');
    expect(await statuses(port, 2, large)).toEqual([200, 200]);
    await eventually(async () => (await run('limit', 'top')).stdout.includes('consumer=main~d1'), 'it is in the list');
  });
});
