import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { get } from '../support/requests.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import { until } from '../support/wait.ts';
import { startKeyed } from './setup.ts';

const exp = Math.floor(wallClockMs() / 1_000) + 3_600;

test('a gateway that starts while the issuer is down refuses nobody whose key it had', async () => {
  const state = mkdtempSync(join(tmpdir(), 'gateway-state-'));
  const [key, other] = [await signingKey('k'), await signingKey('other')];
  await using issuer = await tokenIssuer(key);
  const start = () =>
    startKeyed(
      `issuers: { main: { issuer: "${CLAIMS.iss}", audience: [api], jwks_url: "${issuer.url}" } }
routes: [{ path: /t, upstream: o, authenticate: [jwt] }]`,
      { env: { STATE_DIR: state } },
    );
  const statusesOf = async (port: number): Promise<readonly number[]> => {
    const tokens = [await signToken(key, { exp, claims: { sub: 'x' } }), await signToken(other, { exp })];
    return Promise.all(
      tokens.map(
        async (token) => (await get(port, { path: '/t', headers: { authorization: `Bearer ${token}` } })).status,
      ),
    );
  };
  const kept = (): string[] => readdirSync(state).filter((name) => name.startsWith('issuer-keys-'));
  try {
    {
      await using keyed = await start();
      expect(await statusesOf(keyed.port)).toEqual([200, 401]);
      await until(() => kept().length === 1);
    }
    await issuer.down();
    const path = join(state, kept()[0] ?? '');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    {
      await using keyed = await start();
      expect(await statusesOf(keyed.port)).toEqual([200, 503]);
      await until(async () => (await get(keyed.port, '/health')).body.includes('those of before are used'));
      expect(await statusesOf(keyed.port)).toEqual([200, 503]);
    }
    writeFileSync(path, 'rubbish');
    await using keyed = await start();
    expect(await statusesOf(keyed.port)).toEqual([503, 503]);
    await issuer.up();
    await until(async () => (await statusesOf(keyed.port))[0] === 200);
  } finally {
    rmSync(state, { recursive: true });
  }
});
