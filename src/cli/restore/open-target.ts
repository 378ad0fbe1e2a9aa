import type { Cluster, Redis } from 'ioredis';
import type { RestoreTarget } from '../../shared/backups/restore/target.ts';
import { infoField } from '../../shared/backups/snapshot/ask-redis.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { openRedis } from '../redis/open-redis.ts';
import { redisConfig } from '../redis/redis-config.ts';

export interface OpenTarget extends RestoreTarget, AsyncDisposable {
  /** For people, without a password. */
  readonly where: string;
}

/**
 * Where a backup is put back into: the Redis of `--target`, else that of REDIS_*.
 * @throws {CommandFailure} when there is none
 */
export function targetOfRestore(io: CliIo, url: string | undefined): RedisConfig {
  const config = url === undefined ? redisConfig(io) : targetConfig(io, url);
  if (config !== undefined) return config;
  throw new CommandFailure(
    EXIT.configuration,
    'REDIS_URL is not set: set it as for the gateway, or say with --target or --dir where to put the backup.',
  );
}

/** @throws {CommandFailure} when there is none, or it cannot be reached */
export async function openTarget(io: CliIo, url: string | undefined): Promise<OpenTarget> {
  const config = targetOfRestore(io, url);
  const first = await openRedis(config);
  if (config.mode === 'standalone' && (await isCluster(first.client))) {
    first[Symbol.dispose]();
    return asTarget({ ...config, mode: 'cluster', database: 0 });
  }
  return targetOf(first, config);
}

/** Only what the URL says, and the certificates that are trusted here; the user and password are those in it. */
function targetConfig(io: CliIo, url: string): RedisConfig | undefined {
  const { REDIS_TLS_CA_FILE: ca } = io.env;
  try {
    return redisConfig({
      ...io,
      env: { REDIS_URL: url, ...(ca === undefined || !url.startsWith('rediss:') ? {} : { REDIS_TLS_CA_FILE: ca }) },
    });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    throw new CommandFailure(EXIT.usage, error.message.replaceAll('REDIS_URL', '--target'));
  }
}

/** Where INFO is forbidden it is taken for one server, and a cluster says so at the first key. */
async function isCluster(client: Redis | Cluster): Promise<boolean> {
  const info = await client.info('cluster').catch(() => '');
  return infoField(info, 'cluster_enabled') === '1';
}

const asTarget = async (config: RedisConfig): Promise<OpenTarget> => targetOf(await openRedis(config), config);

const targetOf = (opened: Awaited<ReturnType<typeof openRedis>>, config: RedisConfig): OpenTarget => ({
  client: opened.client,
  primaries: opened.primaries,
  database: config.database,
  where: `${config.mode === 'standalone' ? 'Redis' : `the Redis ${config.mode}`} at ${config.url}`,
  [Symbol.asyncDispose]: async () => opened[Symbol.dispose](),
});
