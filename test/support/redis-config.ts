import type { RedisConfig } from '../../src/shared/config/types.ts';

/** What a configuration says of a Redis without login and TLS, but for what a test wants else. */
export const redisConfig = (own: Pick<RedisConfig, 'url' | 'nodes'> & Partial<RedisConfig>): RedisConfig => ({
  mode: 'standalone',
  tls: false,
  database: 0,
  username: undefined,
  password: undefined,
  tlsCaFile: undefined,
  tlsCa: undefined,
  sentinelMaster: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  ...own,
});
