import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keysAnswer, madeKeyAnswer, revokedKeyAnswer } from '../../src/shared/admin/keys.ts';
import { apiKeyHash, isWellFormedApiKey } from '../../src/shared/identity/api-key.ts';
import { API_KEYS_KEY } from '../../src/shared/redis/keys.ts';
import { commandIn, expectRefused, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';

let redis: TestRedis;
let nodes: readonly Gateway[];
let alone: Gateway;
let unstored: Gateway;

const commandOf = ({ adminPort, stateDir }: Gateway): Run =>
  commandIn({ ADMIN_PORT: String(adminPort), STATE_DIR: stateDir });

beforeAll(async () => {
  redis = await startRedis();
  const env = { API_KEYS: 'redis', REDIS_URL: `redis://127.0.0.1:${redis.port}`, JOBS: 'off', WORKERS: '1' };
  nodes = await Promise.all([startGateway({ env }), startGateway({ env })]);
  alone = await startGateway({ env: { API_KEYS: 'both', WORKERS: '1' } });
  unstored = await startGateway({ env: { WORKERS: '1' } });
});
afterAll(async () => {
  for (const each of [...nodes, alone, unstored]) await each[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const keyOf = async (run: Run, ...args: string[]) => parsed(madeKeyAnswer, await run('key', ...args, '--json'));
const listOf = async (run: Run, ...args: string[]) => parsed(keysAnswer, await run('key', 'list', ...args, '--json'));

test('a key is shown once, listed without its secret by every node, replaced and revoked', async () => {
  const [one, other] = nodes.map(commandOf) as [Run, Run];
  const { key, made } = await keyOf(one, 'create', 'acme', '--profile', 'iot', '--groups', 'b2b,fleet');
  expect(isWellFormedApiKey(key)).toBe(true);
  expect(made).toMatchObject({ consumer: 'acme', profile: 'iot', groups: ['b2b', 'fleet'], state: 'active' });
  expect(made.id).toBe(apiKeyHash(key).slice(0, 16));

  const listed = await other('key', 'list', '--consumer', 'acme');
  expect(listed.stdout).toContain(made.id);
  expect(listed.stdout).not.toContain(key.slice(4, 20));
  expect(JSON.stringify(await redis.client.hgetall(API_KEYS_KEY))).not.toContain(key.slice(4, 40));

  const next = await keyOf(other, 'rotate', made.id, '--keep', '1h');
  expect(next.made).toMatchObject({ consumer: 'acme', profile: 'iot', groups: ['b2b', 'fleet'] });
  expect(next.replaced).toMatchObject({ id: made.id, state: 'replaced' });
  const now = await listOf(one, '--consumer', 'acme');
  expect(Object.fromEntries(now.keys.map(({ id, state }) => [id, state]))).toEqual({
    [made.id]: 'replaced',
    [next.made.id]: 'active',
  });

  const revoked = parsed(revokedKeyAnswer, await one('key', 'revoke', made.id, '--json'));
  expect(revoked.revoked).toMatchObject({ id: made.id, state: 'revoked' });
  expect((await listOf(other, '--consumer', 'acme')).total).toBe(1);
  expect((await listOf(other, '--consumer', 'acme', '--all')).total).toBe(2);
  expectRefused(await other('key', 'rotate', made.id), 1, /expired or is revoked/);
});

test('keys come back by themselves after FLUSHDB', async () => {
  const [one, other] = nodes.map(commandOf) as [Run, Run];
  const { made } = await keyOf(one, 'create', 'flushed');
  await listOf(other); // its copy has it too
  await redis.client.flushdb();
  await until(async () => {
    const { state, keys } = await listOf(other, '--consumer', 'flushed');
    return state === 'well' && keys[0]?.id === made.id;
  });
  expect(await redis.client.hlen(API_KEYS_KEY)).toBeGreaterThan(1);
});

test('without Redis they are kept in STATE_DIR, hashes only', async () => {
  const run = commandOf(alone);
  const { key, made } = await keyOf(run, 'create', 'device-1', '--expires', '2099-01-01');
  expect(made.expiresAt).toBe('2099-01-01T00:00:00.000Z');
  const text = await readFile(join(alone.stateDir, 'api-keys'), 'utf8');
  expect(text).toContain(apiKeyHash(key));
  expect(text).not.toContain(key.slice(4, 40));
});

test('what cannot be is refused in words', async () => {
  const run = commandOf(alone);
  expectRefused(await run('key', 'create', 'acme', '--profile', 'nobody'), 1, /no profile of that name/);
  expectRefused(await run('key', 'revoke', '0123456789abcdef'), 1, /no such key/);
  expectRefused(await run('key', 'revoke', 'x'), 1, /no such key/);
  expectRefused(await commandOf(unstored)('key', 'create', 'acme'), 1, /API_KEYS=both/);
  const bad = await run('key', 'create', 'acme', '--expires', '2001-01-01');
  expect(bad.stderr).toMatch(/a time to come/);
});
