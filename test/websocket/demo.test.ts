import { expect, test } from 'vitest';
import { startUpstream } from '../../src/demo/server.ts';
import { startGateway } from '../support/gateway.ts';
import { open } from './peers.ts';

test('the demo upstream echoes on /ws, and sends by itself on /ws/feed', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` } });
  const echo = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws`);
  const long = 'x'.repeat(70_000);
  for (const text of ['hello', '', long]) echo.socket.send(text);
  echo.socket.ping('p');
  expect(await echo.got(3)).toEqual(['hello', '', long]);
  echo.socket.close(1000, 'bye');
  expect(await echo.ended()).toEqual({ code: 1000, reason: 'bye' });
  const feed = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws/feed`);
  expect((await feed.got(1))[0]).toMatch(/^{"message":1,"at":"/);
  await expect(open(`ws://127.0.0.1:${gateway.port}/proxy/ok/ws`)).rejects.toThrow('404');
  await upstream.close();
  expect((await feed.ended()).code).toBe(1001);
});
