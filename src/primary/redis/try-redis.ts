import type { RedisConfig } from '../../shared/config/types.ts';
import { redisFailure } from '../../shared/redis/connection.ts';
import type { connectRedis } from '../../shared/redis/connect.ts';

const WITHIN_MS = 2_000;
const AGAIN_MS = 200;

/** Connects as this configuration says, asks once and leaves. @returns why it does not work; '' = it does. Never rejects. */
export async function tryRedis(connect: typeof connectRedis, config: RedisConfig): Promise<string> {
  const client = connect(config, {
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    connectTimeout: 1_000,
    retryStrategy: () => AGAIN_MS,
  });
  try {
    return await new Promise((resolve) => {
      let last = 'no answer';
      const timer = setTimeout(() => resolve(last), WITHIN_MS);
      const settle = (why: string): void => {
        clearTimeout(timer);
        resolve(why);
      };
      client.on('error', (error: Error) => {
        last = redisFailure(error);
        // A single server will not change its mind; other Sentinels and nodes may say something else.
        if (config.mode === 'standalone') settle(last);
      });
      client.on('ready', () => {
        client.ping().then(
          () => settle(''),
          (error: Error) => {
            const said = redisFailure(error);
            settle(said.startsWith('NOPERM') ? '' : said);
          },
        );
      });
    });
  } finally {
    client.disconnect();
  }
}
