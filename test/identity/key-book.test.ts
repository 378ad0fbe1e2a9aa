import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { KeyBook } from '../../src/primary/identity/keys/key-book.ts';
import type { KeysState } from '../../src/primary/identity/keys/key-book.ts';
import { KeyFile } from '../../src/primary/identity/keys/key-file.ts';
import { KeyHash } from '../../src/primary/identity/keys/key-hash.ts';
import { AskedRedis } from '../../src/primary/limits/asked-redis.ts';
import { apiKeyHash } from '../../src/shared/identity/api-key.ts';
import type { StoredKey } from '../../src/shared/identity/key-record.ts';
import { parseClusterEvent } from '../../src/shared/redis/events.ts';
import { API_KEYS_KEY, EVENTS_CHANNEL } from '../../src/shared/redis/keys.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { storedKey } from '../support/stored-key.ts';

const revoked = (name: string): StoredKey => storedKey(name, { revoked_ms: 1, revision: 2 });

interface Node {
  readonly book: KeyBook;
  readonly states: KeysState[];
  readonly forgotten: (readonly string[] | undefined)[];
}

interface NodeOptions {
  /** Hears of what the others do; else it only looks. */
  readonly hears?: boolean;
  readonly clock?: () => number;
  readonly path?: string;
  readonly withoutFile?: boolean;
}

async function aNode(redis: TestRedis, options: NodeOptions = {}): Promise<Node> {
  const { hears = true, clock = () => performance.now(), withoutFile = false } = options;
  const client = new Redis({ port: redis.port, enableOfflineQueue: false, retryStrategy: () => 20 });
  const subscriber = new Redis({ port: redis.port });
  onTestFinished(() => {
    client.disconnect();
    subscriber.disconnect();
  });
  client.on('error', () => {});
  subscriber.on('error', () => {});
  await until(() => client.status === 'ready');
  const states: KeysState[] = [];
  const forgotten: (readonly string[] | undefined)[] = [];
  const path = options.path ?? join(await mkdtemp(join(tmpdir(), 'gateway-keys-')), 'api-keys');
  const book = new KeyBook({
    hash: new KeyHash(new AskedRedis(client)),
    file: withoutFile ? undefined : await KeyFile.open(path),
    clock,
    wallClock: Date.now,
    forget: (hashes) => forgotten.push(hashes),
    onState: (state) => states.push(state),
  });
  onTestFinished(() => book.close());
  await book.refresh();
  if (hears) {
    await subscriber.subscribe(EVENTS_CHANNEL);
    subscriber.on('message', (_channel, text) => {
      const event = parseClusterEvent(text);
      if (event?.type === 'keys-changed') void book.onEvent(event);
    });
  }
  return { book, states, forgotten };
}

/** A cluster that has been told that it has no keys. */
async function whole(redis: TestRedis): Promise<void> {
  await redis.client.hset(API_KEYS_KEY, '#version', 'first');
}

const answers = (name: string) => expect.objectContaining({ consumer: `consumer-${name}` }) as unknown;

test('a key that one node makes is known to the others; one that nobody made is unknown', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const [one, other] = [await aNode(redis), await aNode(redis, { hears: false })];
  expect(await one.book.put([storedKey('a')])).toBe('cluster');
  expect(await other.book.find(apiKeyHash('a'))).toEqual(answers('a'));
  expect(await one.book.find(apiKeyHash('b'))).toBe('unknown');
  const { '#version': version, ...stored } = await redis.client.hgetall(API_KEYS_KEY);
  expect(version).not.toBe('first');
  const [[hash, text] = ['', ''], ...others] = Object.entries(stored);
  expect([hash, others]).toEqual([apiKeyHash('a'), []]);
  // Its rank, a blank, and all that there is to say of it: the key itself is not.
  expect(JSON.parse(text.slice(text.indexOf(' ')))).toEqual(storedKey('a').record);
});

test('a revocation reaches every node that hears of it, and the next look of one that does not', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const [one, hears, deaf] = [await aNode(redis), await aNode(redis), await aNode(redis, { hears: false })];
  await one.book.put([storedKey('a')]);
  await deaf.book.refresh();
  hears.forgotten.length = 0;
  deaf.forgotten.length = 0;
  await one.book.put([revoked('a')]);
  await until(() => hears.forgotten.some((hashes) => hashes?.includes(apiKeyHash('a'))));
  expect(await hears.book.find(apiKeyHash('a'))).toBe('unknown');
  expect(deaf.forgotten).toEqual([]);
  await deaf.book.refresh();
  expect(deaf.forgotten).toEqual([[apiKeyHash('a')]]);
  expect(await deaf.book.find(apiKeyHash('a'))).toBe('unknown');
});

test('a revocation reaches every node of a new cluster, and of one that has just lost its keys', async () => {
  await using redis = await startRedis();
  const clock = (): number => 0; // nobody calls the hash whole while the test lasts
  const [one, hears, deaf] = [
    await aNode(redis, { clock }),
    await aNode(redis, { clock }),
    await aNode(redis, { clock, hears: false }),
  ];
  const forgets = ({ forgotten }: Node, name: string): boolean =>
    forgotten.some((hashes) => hashes === undefined || hashes.includes(apiKeyHash(name)));
  const expectRevoked = async (name: string): Promise<void> => {
    for (const { book, forgotten } of [hears, deaf]) {
      expect(await book.find(apiKeyHash(name))).toEqual(answers(name));
      await book.refresh();
      forgotten.length = 0;
    }
    await one.book.put([revoked(name)]);
    await until(() => forgets(hears, name));
    expect(await hears.book.find(apiKeyHash(name))).toBe('unknown');
    await deaf.book.refresh();
    expect(forgets(deaf, name)).toBe(true);
    expect(await deaf.book.find(apiKeyHash(name))).toBe('unknown');
  };
  await one.book.put([storedKey('a'), storedKey('b')]);
  await expectRevoked('a');
  await redis.client.del(API_KEYS_KEY);
  await expectRevoked('b');
});

test('after FLUSHDB known keys pass, unknown ones are not refused, and all are put back', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const node = await aNode(redis, { hears: false });
  await node.book.put(Array.from({ length: 700 }, (_, n) => storedKey(`k${n}`)));
  await node.book.put([revoked('k3')]);
  await redis.client.flushdb();
  const [known, unknown, gone] = await Promise.all(['k1', 'nobody', 'k3'].map((n) => node.book.find(apiKeyHash(n))));
  expect(known).toEqual(answers('k1'));
  expect(unknown).toBe('unavailable');
  expect(gone).toBe('unknown');
  expect(node.states[0]).toBe('lost');
  await until(async () => (await redis.client.hlen(API_KEYS_KEY)) === 701);
  await until(async () => (await node.book.find(apiKeyHash('nobody'))) === 'unknown');
  expect(node.states).toEqual(['lost', 'well']);
});

test('a node that knows no key does not call a lost hash whole while others may know some', async () => {
  await using redis = await startRedis();
  let nowMs = 0;
  const node = await aNode(redis, { hears: false, clock: () => nowMs });
  await node.book.refresh();
  expect(await node.book.find(apiKeyHash('a'))).toBe('unavailable');
  nowMs = 14_000;
  await node.book.refresh();
  expect(await redis.client.exists(API_KEYS_KEY)).toBe(0);
  nowMs = 16_000;
  await node.book.refresh();
  expect(await node.book.find(apiKeyHash('a'))).toBe('unknown');
});

test('an eviction is a loss, not an empty list', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const node = await aNode(redis, { hears: false });
  await node.book.put([storedKey('a')]);
  await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1]);
  await redis.client.config('SET', 'maxmemory', used + 300_000);
  for (let n = 0; (await redis.client.exists(API_KEYS_KEY)) === 1; n++) {
    await redis.client.set(`filler-${n}`, 'x'.repeat(20_000));
  }
  expect(await node.book.find(apiKeyHash('a'))).toEqual(answers('a'));
  await until(async () => (await redis.client.hexists(API_KEYS_KEY, apiKeyHash('a'))) === 1);
});

test('a backup from before a revocation does not bring the key back, and one from before a key was made does not lose it', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const [one, other] = [await aNode(redis, { hears: false }), await aNode(redis, { hears: false })];
  await one.book.put([storedKey('a'), storedKey('b')]);
  const backup = await redis.client.dumpBuffer(API_KEYS_KEY);
  await one.book.put([revoked('a')]);
  await one.book.put([storedKey('c')]);
  await redis.client.del(API_KEYS_KEY);
  await redis.client.restore(API_KEYS_KEY, 0, backup);
  // At once on the node that knows of it.
  expect(await one.book.find(apiKeyHash('a'))).toBe('unknown');
  await one.book.refresh();
  expect(await other.book.find(apiKeyHash('a'))).toBe('unknown');
  expect(await other.book.find(apiKeyHash('b'))).toEqual(answers('b'));
  expect(await other.book.find(apiKeyHash('c'))).toEqual(answers('c'));
});

test('while Redis is away known keys pass for an hour, and keys made meanwhile reach it afterwards', async () => {
  await using redis = await startRedis();
  await whole(redis);
  let nowMs = 0;
  const node = await aNode(redis, { hears: false, clock: () => nowMs });
  await node.book.put([storedKey('a')]);
  redis.kill('SIGKILL');
  await until(async () => (await node.book.find(apiKeyHash('nobody'))) === 'unavailable');
  expect(await node.book.find(apiKeyHash('a'))).toEqual(answers('a'));
  expect(await node.book.put([storedKey('b')])).toBe('node');
  nowMs = 3_500_000;
  expect(await node.book.find(apiKeyHash('a'))).toEqual(answers('a'));
  nowMs = 3_700_000;
  expect(await node.book.find(apiKeyHash('a'))).toBe('unavailable');
  await redis.restart();
  await until(async () => {
    await node.book.refresh();
    return (await redis.client.hexists(API_KEYS_KEY, apiKeyHash('b')).catch(() => 0)) === 1;
  });
  expect(await node.book.find(apiKeyHash('a'))).toEqual(answers('a'));
});

test('a node without a folder goes by Redis alone', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const node = await aNode(redis, { withoutFile: true, hears: false });
  expect(await node.book.put([storedKey('a')])).toBe('cluster');
  expect(await node.book.find(apiKeyHash('a'))).toEqual(answers('a'));
  redis.kill('SIGKILL');
  await until(async () => (await node.book.find(apiKeyHash('a'))) === 'unavailable');
  expect(await node.book.put([storedKey('b')])).toBe('nowhere');
});

test('a key ends at its time, and one that was replaced when its grace is over', async () => {
  await using redis = await startRedis();
  await whole(redis);
  const { book } = await aNode(redis, { hears: false });
  const soon = Date.now() + 3_600_000;
  await book.put([
    storedKey('old', { expires_ms: 5 }),
    storedKey('replaced', { revoked_ms: soon }),
    storedKey('a', { expires_ms: soon }),
  ]);
  expect(await book.find(apiKeyHash('old'))).toBe('unknown');
  expect(await book.find(apiKeyHash('replaced'))).toMatchObject({ expiresMs: soon });
  expect(await book.find(apiKeyHash('a'))).toMatchObject({ expiresMs: soon });
});
