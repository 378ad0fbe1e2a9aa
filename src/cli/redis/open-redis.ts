import { Redis } from 'ioredis';
import type { Cluster } from 'ioredis';
import type { RedisConfig } from '../../shared/config/types.ts';
import { redisFailure } from '../../shared/redis/connection.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../output/text.ts';

/** Longest wait for a connection that can be used, and for each command on it. */
const CONNECT_MS = 5_000;
const COMMAND_MS = 5_000;
/** Other Sentinels and other nodes of a cluster are tried; a single server that refuses will not change its mind. */
const RETRY_MS = 250;

/** A Redis that answers, for one command of a person. */
export interface OpenRedis extends Disposable {
  readonly client: Redis | Cluster;
  /** The servers that hold the keys: the one, or every primary of a cluster. */
  readonly primaries: readonly Redis[];
}

/**
 * @throws {CommandFailure} when it cannot be reached, or does not let us in
 */
export async function openRedis(config: RedisConfig): Promise<OpenRedis> {
  let client: Redis | Cluster;
  try {
    client = connectRedis(config, {
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      connectTimeout: CONNECT_MS,
      commandTimeout: COMMAND_MS,
      socketTimeout: COMMAND_MS,
      retryStrategy: () => RETRY_MS,
    });
  } catch (error) {
    throw noRedis(config, reasonOf(error)); // a file of certificates that has gone
  }
  const why = await failureToConnect(client, config.mode === 'standalone');
  if (why !== undefined) {
    client.disconnect();
    throw noRedis(config, why);
  }
  return {
    client,
    primaries: client instanceof Redis ? [client] : client.nodes('master'),
    [Symbol.dispose]: () => client.disconnect(),
  };
}

export function noRedis({ url, mode }: RedisConfig, why: string): CommandFailure {
  const what = mode === 'standalone' ? `Redis at ${url}` : `the Redis ${mode} at ${url}`;
  return new CommandFailure(EXIT.unavailable, `Cannot use ${what} (${why}).\n${adviceOn(why)}`);
}

function adviceOn(why: string): string {
  if (/NOAUTH|WRONGPASS|NOPERM|invalid password/i.test(why)) {
    return 'Check REDIS_USERNAME and REDIS_PASSWORD, or what the ACL of Redis allows.';
  }
  if (why.includes('wrong version number')) {
    return 'No TLS is spoken there: start REDIS_URL with redis://, or give the port that speaks TLS.';
  }
  return 'Is it running, and is REDIS_URL (and REDIS_MODE) the same here as for the gateway?';
}

/** @returns why it cannot be used; `undefined` when it can */
function failureToConnect(client: Redis | Cluster, atFirstError: boolean): Promise<string | undefined> {
  return new Promise((resolve) => {
    let last: string | undefined;
    const timer = setTimeout(() => resolve(last ?? `no answer in ${CONNECT_MS / 1000} s`), CONNECT_MS);
    const settle = (why: string | undefined): void => {
      clearTimeout(timer);
      resolve(why);
    };
    client.on('error', (error: Error) => {
      last = printable(redisFailure(error));
      if (atFirstError) settle(last);
    });
    client.once('ready', () => settle(undefined));
    client.once('end', () => settle(last ?? 'the connection was closed'));
  });
}
