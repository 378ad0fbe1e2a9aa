import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { connectRedis } from '../../src/shared/redis/connect.ts';
import { listening } from '../support/ports.ts';
import { redisConfig } from '../support/redis-config.ts';
import { until } from '../support/wait.ts';

it('who disconnects does not wait for a server that hangs', async () => {
  // Takes the connection, and says and closes nothing: what a stopped process does.
  let socket: Socket | undefined;
  await using server = await listening(createServer({ allowHalfOpen: true }, (come) => (socket = come)));
  using _closed = { [Symbol.dispose]: () => socket?.destroy() };
  const { port } = server;
  const client = connectRedis(redisConfig({ url: `redis://127.0.0.1:${port}`, nodes: [{ host: '127.0.0.1', port }] }), {
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: () => 100,
  });
  client.on('error', () => {});
  await until(() => client.status === 'connect' && socket !== undefined);
  client.disconnect();
  await until(() => client.status === 'end', { withinMs: 1_000 });
  expect(client.status).toBe('end');
});
