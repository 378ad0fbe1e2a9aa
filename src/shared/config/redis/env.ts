import { optional, secret, withDefault } from '../env-variable.ts';
import { nodeName } from '../server/node-name.ts';
import { fileName, oneOf, redisPassword, redisWord } from '../parsers.ts';
import { fromText } from '../parsed.ts';
import { parseRedisUrl } from './url.ts';
import { REDIS_MODES } from '../words.ts';

/** Variables of the Redis that the nodes share, and of this node among them. */
export const REDIS_ENV = {
  REDIS_URL: secret(
    fromText(parseRedisUrl),
    'redis://user:password@host:6379/0, rediss:// for TLS; for sentinel and cluster some nodes with commas between. ' +
      'Unset: every node for itself.',
  ),
  REDIS_MODE: withDefault(oneOf(REDIS_MODES), 'standalone', 'What REDIS_URL names: standalone, sentinel or cluster.'),
  REDIS_USERNAME: optional(redisWord, 'ACL user, if not in REDIS_URL; needs a password.'),
  REDIS_PASSWORD: secret(redisPassword, 'Password of Redis, if not in REDIS_URL.'),
  REDIS_TLS_CA_FILE: optional(fileName, "PEM file of certificates to trust for rediss:// instead of the system's."),
  REDIS_SENTINEL_MASTER: optional(redisWord, 'Name of the primary that Sentinel watches; default mymaster.'),
  REDIS_SENTINEL_USERNAME: optional(redisWord, 'ACL user of the Sentinels; needs their password.'),
  REDIS_SENTINEL_PASSWORD: secret(redisPassword, 'Password of the Sentinels, which is not that of Redis.'),
  NODE_NAME: optional(
    nodeName,
    'Name of this node, unique among those on one Redis; default the host name and four random hex digits.',
  ),
} as const;
