import type { RedisConfig } from '../../config/types.ts';
import { infoField, talkTo } from './ask-redis.ts';
import { showServer } from './redis-server-at.ts';
import type { RedisServerAt } from './redis-server-at.ts';

/** A primary whose data is to be saved, and the server to take them from: a replica of it where one is well. */
export interface SnapshotSource {
  readonly primary: RedisServerAt;
  readonly from: RedisServerAt;
  /** Of `from`. `undefined`: it does not tell us. */
  readonly redisVersion: string | undefined;
}

const CLUSTER_SLOTS = 16_384;

/**
 * Every primary of a deployment.
 * @throws {Error} when the deployment cannot be asked, or a part of a cluster has no primary
 */
export async function findSources(config: RedisConfig, signal: AbortSignal): Promise<readonly SnapshotSource[]> {
  const primaries = await primariesOf(config, signal);
  const sources: SnapshotSource[] = [];
  for (const primary of primaries) sources.push(await sourceOf(primary, signal));
  return sources;
}

async function primariesOf(config: RedisConfig, signal: AbortSignal): Promise<readonly RedisServerAt[]> {
  switch (config.mode) {
    case 'standalone':
      return [{ ...firstOf(config), config }];
    case 'sentinel':
      return [await firstAnswer(config, (node) => askSentinel(node, signal))];
    case 'cluster':
      return firstAnswer(config, (node) => askCluster(node, signal));
    default:
      return config.mode satisfies never;
  }
}

const firstOf = ({ nodes }: RedisConfig): { readonly host: string; readonly port: number } =>
  nodes[0] ?? { host: '127.0.0.1', port: 6379 };

/** Any of the nodes that the configuration names may be down. */
async function firstAnswer<T>(config: RedisConfig, ask: (node: RedisServerAt) => Promise<T>): Promise<T> {
  const failures: string[] = [];
  for (const node of config.nodes) {
    try {
      return await ask({ ...node, config });
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(failures.join('; '));
}

async function askSentinel(node: RedisServerAt, signal: AbortSignal): Promise<RedisServerAt> {
  const { config } = node;
  const name = config.sentinelMaster ?? 'mymaster';
  await using talk = await talkTo(
    { ...node, config: { ...config, username: config.sentinelUsername, password: config.sentinelPassword } },
    signal,
  );
  const answer = await talk.redis.call('SENTINEL', 'get-master-addr-by-name', name);
  if (!Array.isArray(answer)) throw new Error(`the Sentinel ${showServer(node)} knows no primary named ${name}`);
  return { host: String(answer[0]), port: Number(answer[1]), config };
}

type SlotRange = readonly [from: number, to: number, primary: readonly [host: string | null, port: number]];

async function askCluster(node: RedisServerAt, signal: AbortSignal): Promise<readonly RedisServerAt[]> {
  await using talk = await talkTo(node, signal);
  const ranges = (await talk.redis.call('CLUSTER', 'SLOTS')) as readonly SlotRange[];
  const primaries = new Map<string, RedisServerAt>();
  let slots = 0;
  for (const [from, to, [host, port]] of ranges) {
    slots += to - from + 1;
    // '' and '?' stand for the node that was asked, which does not know its own address.
    const known = host === null || host === '' || host === '?' ? node.host : host;
    const primary = { host: known, port, config: node.config };
    primaries.set(showServer(primary), primary);
  }
  if (slots !== CLUSTER_SLOTS) {
    throw new Error(`of the cluster's ${CLUSTER_SLOTS} slots ${CLUSTER_SLOTS - slots} have no primary`);
  }
  return [...primaries.values()];
}

async function sourceOf(primary: RedisServerAt, signal: AbortSignal): Promise<SnapshotSource> {
  await using talk = await talkTo(primary, signal);
  const info = await infoOf(talk.redis);
  const redisVersion = infoField(info, 'redis_version');
  const replid = infoField(info, 'master_replid');
  for (const [, host, port] of info.matchAll(/^slave\d+:ip=([^,]+),port=(\d+),state=online/gm)) {
    const replica = { host: host ?? '', port: Number(port), config: primary.config };
    // Its address may hold only where the primary stands; then the primary itself is good enough.
    const found = await replicaOf(replica, replid, signal).catch(() => undefined);
    if (found !== undefined) return { primary, ...found };
    signal.throwIfAborted();
  }
  return { primary, from: primary, redisVersion };
}

async function replicaOf(
  replica: RedisServerAt,
  replid: string | undefined,
  signal: AbortSignal,
): Promise<Omit<SnapshotSource, 'primary'> | undefined> {
  await using talk = await talkTo(replica, signal);
  const info = await infoOf(talk.redis);
  const follows = infoField(info, 'role') === 'slave' && infoField(info, 'master_link_status') === 'up';
  if (!follows || infoField(info, 'master_replid') !== replid) return undefined;
  return { from: replica, redisVersion: infoField(info, 'redis_version') };
}

/** A Redis that does not tell of itself can still be copied; only its version stays unknown. */
const infoOf = (redis: { info(): Promise<string> }): Promise<string> =>
  redis.info().catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ReplyError' && /^(NOPERM|ERR unknown)/.test(error.message)) return '';
    throw error;
  });
