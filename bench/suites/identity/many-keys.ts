import { chmodSync, createWriteStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { apiKeyHash, makeApiKey } from '../../../src/shared/identity/api-key.ts';
import { API_KEYS_KEY } from '../../../src/shared/redis/keys.ts';
import { startGateway } from '../../shared/gateway.ts';
import type { GatewayProxy, SubjectContext } from '../../shared/gateway.ts';
import { treeMemory } from '../../shared/memory.ts';
import { startRedis, stopRedis } from '../../shared/redis.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { walkKeys } from './walk-keys.ts';

const KEYS = 1_000_000;
const MINIATURE_KEYS = 2_000;
/** Every key is shown so often, one after the other: each time it is long forgotten by the thread. */
const PASSES = 3;
const CONNECTIONS = 16;
const QUIET_MS = 10_000;
const MINIATURE_QUIET_MS = 200;
/** A pass may add this to what the first has left, for the garbage collector. */
const GROWTH = { share: 0.1, bytes: 32 * 1024 ** 2 } as const;
const MIB = 1024 ** 2;
const BYTES_PER_KEY = 'bytes-per-key';

/** A node's copy with so many keys. */
async function writeCopy(folder: string, keys: readonly string[]): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'api-keys');
  const out = createWriteStream(file, { mode: 0o600 });
  for (const [n, key] of keys.entries()) {
    const hash = apiKeyHash(key);
    const record = { id: hash.slice(0, 16), consumer: `device-${n}`, profile: 'iot', created_ms: 1 };
    if (!out.write(`${hash} ${JSON.stringify(record)}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return statSync(file).size;
}

interface Node {
  readonly gateway: GatewayProxy;
  readonly redis: BenchRedis;
}

/** A gateway with these keys in its copy, and in Redis as soon as it has put them there. */
async function startNode({ session, options }: SuiteContext, place: SubjectContext, stateDir: string): Promise<Node> {
  const redis = await startRedis(session);
  const file = join(session.folder, 'many-keys.yaml');
  const route = '{ path: /proxy, strip_prefix: true, upstream: default, authenticate: [api_key], limits: [] }';
  writeFileSync(file, `routes: [${route}]\n`);
  chmodSync(file, 0o600);
  const workers = options.workers ?? 1;
  const env = { GATEWAY_CONFIG: file, API_KEYS: 'both', STATE_DIR: stateDir, IDENTITY_CACHE_SECONDS: '3600' };
  return { redis, gateway: await startGateway(place, { redis, workers, env }) };
}

const rssOf = ({ gateway }: Node): number => treeMemory(gateway.process.pid).rssBytes;

async function redisBytes({ client }: BenchRedis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1] ?? 0);
}

async function stop({ gateway, redis }: Node): Promise<void> {
  await gateway.process.stop();
  await stopRedis(redis);
}

/** What a million stored keys cost in memory, on a node and in Redis, and whether that stays so while all are used. */
export async function measureManyKeys(context: SuiteContext, place: SubjectContext): Promise<void> {
  const { session, record, options } = context;
  const count = options.miniature ? MINIATURE_KEYS : KEYS;
  const quietMs = options.miniature ? MINIATURE_QUIET_MS : QUIET_MS;
  const title = `${count.toLocaleString('en')} stored API keys`;
  record.progress(`${title}: made`);
  const keys = Array.from({ length: count }, makeApiKey);
  const measure = (subject: 'node' | 'Redis', metric: string, value: number): void => {
    const unit = metric === BYTES_PER_KEY ? 'bytes' : 'MiB';
    const sample = Number((metric === BYTES_PER_KEY ? value : value / MIB).toFixed(2));
    record.measure({ case: title, subject, metric, unit, better: 'lower', samples: [sample] });
  };

  const empty = await startNode(context, place, join(session.folder, 'no-keys'));
  await wait(quietMs);
  const [emptyRss, emptyRedis] = [rssOf(empty), await redisBytes(empty.redis)];
  await stop(empty);

  const folder = join(session.folder, 'many-keys');
  measure('node', 'copy-on-disk', await writeCopy(folder, keys));
  const node = await startNode(context, place, folder);
  while ((await node.redis.client.hlen(API_KEYS_KEY)) < count) await wait(100);
  await wait(quietMs);
  measure('Redis', BYTES_PER_KEY, ((await redisBytes(node.redis)) - emptyRedis) / count);
  measure('node', 'rss-without-keys', emptyRss);
  measure('node', 'rss-at-rest', rssOf(node));
  const after: number[] = [];
  const others: string[] = [];
  for (let pass = 1; pass <= PASSES; pass++) {
    const began = performance.now();
    const seen = await walkKeys({ port: node.gateway.port, path: '/proxy/ok', keys, connections: CONNECTIONS });
    const seconds = (performance.now() - began) / 1_000;
    others.push(...Object.entries(seen).flatMap(([status, n]) => (status === '200' ? [] : [`${n} × ${status}`])));
    await wait(quietMs);
    after.push(rssOf(node));
    record.progress(
      `${title}: pass ${pass} of ${PASSES}, ${Math.round(count / seconds)} keys a second, RSS ${mib(after)}`,
    );
  }
  for (const [pass, rss] of after.entries()) measure('node', `rss-after-pass-${pass + 1}`, rss);
  const [first = 0] = after;
  const most = first + Math.max(first * GROWTH.share, GROWTH.bytes);
  record.check({
    case: title,
    what: 'each is granted, and memory stays what the first pass over all of them has left',
    ok: others.length === 0 && after.every((rss) => rss <= most),
    detail: [`RSS after each pass: ${after.map((rss) => mib([rss])).join(', ')}`, ...others].join('; '),
  });
  await stop(node);
}

const mib = (values: readonly number[]): string => `${Math.round((values.at(-1) ?? 0) / MIB)} MiB`;
