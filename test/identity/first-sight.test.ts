import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiKeyHash, makeApiKey } from '../../src/shared/identity/api-key.ts';
import { get, tally } from '../support/requests.ts';
import { startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const recordOf = (key: string, n: number): string =>
  `${apiKeyHash(key)} ${JSON.stringify({ id: apiKeyHash(key).slice(0, 16), consumer: `d${n}`, created_ms: 1 })}\n`;

test.each(['none', 'redis'] as const)(
  'a thousand stored keys are seen for the first time beside one who guesses from their address, and none is refused (%s)',
  async (store) => {
    await using redis = await startRedis();
    await using upstream = await scriptedUpstream();
    const stateDir = join(await mkdtemp(join(tmpdir(), 'gateway-first-')), 'state');
    await mkdir(stateDir);
    const keys = Array.from({ length: 1_000 }, makeApiKey);
    await writeFile(join(stateDir, 'api-keys'), keys.map(recordOf).join(''));
    await using gateway = await startGateway({
      env: {
        API_KEYS: 'both',
        STATE_DIR: stateDir,
        AUTH_FAILURE_REFILL_RATE: '0.000001',
        WORKERS: '2',
        JOBS: 'off',
        ...(store === 'redis' ? { REDIS_URL: `redis://127.0.0.1:${redis.port}` } : {}),
      },
      yaml: `
upstreams: { o: { url: "${upstream.url}" } }
routes: [{ path: /a, upstream: o, authenticate: [api_key] }]`,
    });
    const ask = async (key: string): Promise<number> =>
      (await get(gateway.port, { path: '/a', headers: { 'x-api-key': key } })).status;
    const guesses: number[] = [];
    while (!guesses.includes(429)) guesses.push(await ask(makeApiKey()));
    expect(guesses.length).toBeLessThan(200);
    const seen: number[] = [];
    for (let at = 0; at < keys.length; at += 50) {
      const some = keys.slice(at, at + 50).map(ask);
      guesses.push(await ask(makeApiKey()));
      seen.push(...(await Promise.all(some)));
    }
    expect(tally(seen)).toEqual({ 200: 1_000 });
    expect(guesses.filter((status) => status === 200)).toEqual([]);
  },
);
