import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { freePort } from '../support/ports.ts';
import { commandIn, expectRefused } from './command.ts';
import type { Run } from './command.ts';

let redis: TestRedis;
let purge: Run;

beforeAll(async () => {
  redis = await startRedis(['--requirepass', 'a-password']);
  const run = commandIn({ REDIS_URL: `redis://:a-password@127.0.0.1:${redis.port}` });
  purge = (...args) => run('redis', 'purge', ...args);
});
afterAll(async () => redis[Symbol.asyncDispose]());

const KEPT = [
  'api-gateway:circuit-breaker',
  'api-gateway:jobs:backup:meta',
  'api-gateway:node:a',
  'api-gateway:rate-limited', // not a bucket, though it looks like one
  'bull:other:meta',
  'session:1',
  '{api-gateway}:jobs:meta',
] as const;
const BUCKETS = 2_500; // more than one step of SCAN

beforeEach(async () => {
  await redis.client.flushdb();
  const pipeline = redis.client.pipeline();
  for (const key of KEPT) pipeline.hset(key, 'a', '1');
  for (let i = 0; i < BUCKETS; i++) pipeline.hset(`api-gateway:rate-limit:10.0.${i >> 8}.${i & 255}`, 'tokens', '1');
  await pipeline.exec();
});

const keys = async (): Promise<string[]> => (await redis.client.keys('*')).sort();

describe('gateway redis purge', () => {
  it('only counts with --dry-run', async () => {
    const before = await keys();
    const { code, stdout } = await purge('--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^rate-limit +2,500 +-$/m);
    expect(stdout).toContain('Nothing was changed');
    expect(await keys()).toEqual(before);
  });

  it('removes buckets and nothing else', async () => {
    const { code, stdout } = await purge('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      dryRun: false,
      prefixes: ['api-gateway:rate-limit:'],
      found: BUCKETS,
      removed: BUCKETS,
      kinds: { 'rate-limit': { found: BUCKETS, removed: BUCKETS } },
    });
    expect(await keys()).toEqual([...KEPT]);
  });

  it('takes a narrower prefix as it is, without patterns', async () => {
    expect(JSON.parse((await purge('--json', '--prefix', 'api-gateway:rate-limit:10.0.9.')).stdout)).toMatchObject({
      removed: BUCKETS - 9 * 256,
    });
    expect(JSON.parse((await purge('--json', '--prefix', 'api-gateway:rate-limit:*')).stdout)).toMatchObject({
      found: 0,
    });
  });

  it('removes all that is ours with --all, and never what is not', async () => {
    const { stdout } = await purge('--all', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ kinds: { 'circuit-breaker': { removed: 1 }, jobs: { removed: 2 } } });
    expect(await keys()).toEqual(['bull:other:meta', 'session:1']);
  });

  it('refuses what is not ours, both at once, and an environment without Redis', async () => {
    const [foreign, nothing, both, unset] = await Promise.all([
      purge('--prefix', 'session:'),
      purge('--prefix', ''),
      purge('--all', '--prefix', 'api-gateway:'),
      commandIn({})('redis', 'purge'),
    ]);
    expectRefused(foreign, 64, /starts with "api-gateway:"/);
    expectRefused(nothing, 64, /starts with "api-gateway:"/);
    expectRefused(both, 64, /not both/);
    expectRefused(unset, 78, /REDIS_URL is not set/);
    expect(await keys()).toHaveLength(KEPT.length + BUCKETS);
  });

  it('says what it tried when Redis is away or does not let it in', async () => {
    const free = await freePort();
    const [away, wrong] = await Promise.all([
      commandIn({ REDIS_URL: `redis://127.0.0.1:${free}` })('redis', 'purge'),
      commandIn({ REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` })('redis', 'purge', '--dry-run'),
    ]);
    expectRefused(away, 69, new RegExp(`Redis at redis://127\\.0\\.0\\.1:${free} .*ECONNREFUSED[^]*REDIS_URL`));
    expectRefused(wrong, 69, /WRONGPASS[^]*REDIS_PASSWORD/);
    expect(wrong.stderr).not.toContain('redis://:wrong');
  });
});

it('a cluster: every primary is purged', async () => {
  await using cluster = await startCluster();
  const [first] = cluster.nodes;
  const url = `redis://127.0.0.1:${first?.port ?? 0}`;
  const run = commandIn({ REDIS_URL: url, REDIS_MODE: 'cluster' });
  let written = 0;
  for (const node of cluster.nodes) {
    for (let i = 0; i < 60; i++) {
      // Each primary takes those keys whose slot it has.
      written += await node.client.hset(`api-gateway:rate-limit:{10.0.0.${i}}`, 'tokens', '1').catch(() => 0);
    }
  }
  expect(written).toBe(60);
  const { code, stdout, stderr } = await run('redis', 'purge', '--json');
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ found: 60, removed: 60 });
  const left = await Promise.all(cluster.nodes.map((node) => node.client.dbsize()));
  expect(left).toEqual([0, 0, 0]);
});
