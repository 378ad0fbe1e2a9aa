import { expect, test } from 'vitest';
import { commandIn } from '../cli/command.ts';
import { get } from '../support/requests.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { startKeyed } from './setup.ts';

interface Verdict {
  readonly verdict?: string;
  readonly status?: string;
  readonly reasons: readonly string[];
}

test('status says what health says: an issuer without keys, stored keys that cannot be asked for', async () => {
  await using redis = await startRedis();
  const yaml = `
issuers: { main: { issuer: "https://idp/", audience: [api], jwks_url: "http://127.0.0.1:1/jwks" } }
routes: [{ path: /, upstream: o, authenticate: [api_key, jwt] }]`;
  await using keyed = await startKeyed(yaml, {
    env: { API_KEYS: 'both', REDIS_URL: `redis://127.0.0.1:${redis.port}`, JOBS: 'off' },
  });
  const { adminPort, stateDir } = keyed.gateway;
  const of = async (path: string): Promise<Verdict> => JSON.parse((await get(adminPort, path)).body) as Verdict;
  const health = async (): Promise<readonly string[]> => (await of('/health')).reasons;
  await until(async () => (await health()).some((reason) => reason.startsWith('issuer main: ')));
  expect(await of('/admin/status')).toMatchObject({ verdict: 'degraded', reasons: await health() });
  const run = commandIn({ ADMIN_PORT: String(adminPort), STATE_DIR: stateDir });
  expect((await run('status')).stdout).toContain('issuer main: its keys cannot be had (ECONNREFUSED)');
  const why = (await run('why', 'main~device-1')).stdout;
  expect(why).toContain('503 identity_unavailable on root: the keys of issuer main cannot be had');

  redis.kill('SIGKILL');
  await until(async () => (await health()).some((reason) => reason.startsWith('API keys: ')));
  const { reasons } = await of('/admin/status');
  expect(reasons.filter((reason) => /^(?:issuer main|API keys): /.test(reason))).toHaveLength(2);
});
