import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { expect, test } from 'vitest';
import { settingsOf } from '../../src/shared/redis/connect.ts';
import { tryRedis } from '../../src/primary/redis/try-redis.ts';
import { Redis } from 'ioredis';
import { freePort, listening } from '../support/ports.ts';
import { redisConfig } from '../support/redis-config.ts';
import { get } from '../support/requests.ts';
import { untilPasses } from '../support/wait.ts';
import { healthOf, startLimited } from '../limits-gateway/setup.ts';

const httpServer = (): Server =>
  createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
  });

/** Speaks RESP, and knows one word. */
const yesSayer = (): Server =>
  createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const _command of data.toString('latin1').matchAll(/\*\d+\r\n\$/g)) socket.write('+OK\r\n');
    });
  });

test.each([
  ['redis:', httpServer, 'what answers there is no Redis: Unknown RESP type 72 "H"'],
  ['rediss:', httpServer, 'wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)'],
  ['redis:', yesSayer, 'unexpected reply'],
])(
  '%s at a port of something else, %O: requests are answered, and what is wrong is said',
  async (scheme, serve, said) => {
    await using server = await listening(serve());
    const REDIS_URL = `${scheme}//127.0.0.1:${server.port}`;
    await using limited = await startLimited({ env: { REDIS_URL, RATE_LIMIT_CAPACITY: '1000000' } });
    const { gateway, port } = limited;
    await untilPasses(async () => {
      expect((await get(port)).status).toBe(200);
      expect((await healthOf(port)).reasons).toEqual(
        expect.arrayContaining([
          `circuit breakers: Redis cannot be reached (${said})`,
          `rate limits: Redis is not asked (${said})`,
        ]),
      );
    });
    for (let i = 0; i < 10; i++) expect((await get(port)).status).toBe(200);
    const { reasons } = await healthOf(port);
    expect(reasons?.filter((reason) => /\n|report|\(\)/.test(reason))).toEqual([]);
    expect(gateway.log.filter(({ msg }) => String(msg).startsWith('rate limits: Redis answers'))).toEqual([]);
  },
);

test('a name with several addresses at which nobody listens is no Redis that works', async () => {
  const port = await freePort();
  const config = redisConfig({ url: 'rediss://two.test', nodes: [{ host: 'two.test', port }] });
  const why = await tryRedis(
    (_config, behaviour) =>
      new Redis({
        ...settingsOf(behaviour),
        host: 'two.test',
        port,
        tls: {
          lookup: (_host, _options, found) =>
            found(null, [
              { address: '127.0.0.1', family: 4 },
              { address: '127.0.0.2', family: 4 },
            ]),
        },
        retryStrategy: behaviour.retryStrategy,
      }),
    config,
  );
  expect(why).toBe(`connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}`);
});
