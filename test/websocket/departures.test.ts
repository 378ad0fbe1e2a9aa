import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { ask, requestText, statusOf } from '../support/http.ts';
import { reloadsOf } from '../support/reload.ts';
import { rawClient } from '../support/raw.ts';
import { until } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const HANDSHAKE =
  'GET /proxy/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const openMany = (url: string, count: number): Promise<Peer[]> =>
  Promise.all(Array.from({ length: count }, () => open(url)));

test('SIGTERM: everybody gets 1001, who comes then 503, and the process ends', async () => {
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: { UPSTREAM_URL: upstream.url, WORKERS: '2', DRAIN_TIMEOUT_SECONDS: '10' },
  });
  // Connected before the drain, and asks in it.
  using late = await rawClient(gateway.port);
  late.send('GET /proxy/ok HTTP/1.1\r\nHost: h\r\n\r\n');
  await late.until('/ok');
  const peers = await openMany(`ws://127.0.0.1:${gateway.port}/proxy/ws`, 200);
  for (const { socket } of peers) socket.send('hello');
  await Promise.all(peers.map((peer) => peer.got(1)));
  const stopped = gateway.stop('SIGTERM');
  await until(() => peers.some(({ seen }) => seen.closed !== undefined));
  late.send(HANDSHAKE);
  await late.until(/HTTP\/1.1 503 .*"code":"draining"/s);
  expect(await stopped).toBe(0);
  const ends = await Promise.all([...peers, ...upstream.peers].map((peer) => peer.ended()));
  expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1001]));
  expect(upstream.peers).toHaveLength(200);
});

test('a reload keeps those whose route lives, with its new settings, and the others get 1001', async () => {
  await using upstream = await socketUpstream({ echo: true });
  const yaml = (routes: string): string => `upstreams: { o: { url: "${upstream.url}" } }\nroutes:\n${routes}`;
  const kept = '  - { path: /kept, upstream: o, websocket: {} }\n';
  await using gateway = await startGateway({
    env: { DRAIN_TIMEOUT_SECONDS: '2' },
    yaml: yaml(
      `${kept}  - { path: /gone, upstream: o, websocket: {} }\n  - { path: /less, upstream: o, websocket: {} }\n`,
    ),
  });
  const reload = reloadsOf(gateway);
  const [stays, goes, loses] = await Promise.all(
    ['kept', 'gone', 'less'].map((path) => open(`ws://127.0.0.1:${gateway.port}/${path}`)),
  );
  const less = '  - { path: /less, upstream: o }\n';
  await reload(yaml(`  - { path: /kept, upstream: o, websocket: { max_message_bytes: 10 } }\n${less}`));
  expect([(await goes?.ended())?.code, (await loses?.ended())?.code]).toEqual([1001, 1001]);
  stays?.socket.send('hello');
  await stays?.got(1);
  stays?.socket.send('more than ten bytes');
  expect((await stays?.ended())?.code).toBe(1009);
});

test('a thread that is replaced sends its own away, and takes those that come back no longer', async () => {
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: { UPSTREAM_URL: upstream.url, WORKERS: '1', DRAIN_TIMEOUT_SECONDS: '2', GATEWAY_TEST_FAULTS: 'on' },
  });
  const peers = await openMany(`ws://127.0.0.1:${gateway.port}/proxy/ws`, 20);
  const fault = requestText('GET', '/proxy/fault', ['X-Gateway-Test-Fault: throw-later', 'Connection: close']);
  expect(statusOf(await ask(gateway.port, fault))).toBe(200);
  const ends = await Promise.all(peers.map((peer) => peer.ended()));
  expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1001]));
  await gateway.waitForLog(({ msg }) => msg === 'request thread ended');
  const again = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws`);
  again.socket.send('hello');
  expect(await again.got(1)).toEqual(['hello']);
});
