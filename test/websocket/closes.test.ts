import { expect, test } from 'vitest';
import { bytesOf } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import type { SomeFrame } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { until } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer, SocketUpstream } from './peers.ts';
import { pair, rawSocketUpstream } from './raw-peers.ts';
import type { RawPeer } from './raw-peers.ts';

const MASK = Buffer.from([7, 0, 255, 1]);

const fromClient = (frame: SomeFrame): Buffer => bytesOf({ ...frame, mask: MASK });
const text = (payload: string): SomeFrame => ({ opcode: 1, payload: Buffer.from(payload) });
const closing = (code: number): SomeFrame => ({ opcode: 8, payload: Buffer.from([code >> 8, code & 0xff]) });

/** The code of a close frame with a reason, from a raw peer's bytes; -1 = there is none at `at`. */
function closeCodeIn(bytes: Buffer, at = 0): number {
  if (bytes.length < at + 4 || bytes[at] !== 0x88) return -1;
  const masked = ((bytes[at + 1] as number) & 0x80) !== 0;
  const [first, second] = masked
    ? [(bytes[at + 6] as number) ^ (bytes[at + 2] as number), (bytes[at + 7] as number) ^ (bytes[at + 3] as number)]
    : [bytes[at + 2] as number, bytes[at + 3] as number];
  return first * 256 + second;
}

const hears = async (peer: RawPeer, code: number, at = 0): Promise<void> => {
  await peer.got(at + 4);
  await until(() => closeCodeIn(peer.received(), at) === code, { describe: () => peer.received().toString('hex') });
};

const routeOf = (upstream: { readonly url: string }, websocket: string): string =>
  `upstreams: { default: { url: "${upstream.url}" } }\nroutes: [{ path: /proxy, strip_prefix: true, upstream: default, websocket: ${websocket} }]`;

async function pairOfWs(gateway: Gateway, upstream: SocketUpstream): Promise<readonly [Peer, Peer]> {
  const n = upstream.peers.length;
  return [await open(`ws://127.0.0.1:${gateway.port}/proxy/ws`), await upstream.peer(n)];
}

test('codes and reasons of either side reach the other as they were sent', async () => {
  await using upstream = await socketUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url } });
  for (const code of [1000, 1001, 1003, 1007, 1008, 1011, 1012, 1013, 1014, 3000, 4999]) {
    for (const closer of [0, 1]) {
      const peers = await pairOfWs(gateway, upstream);
      peers[closer]?.socket.close(code, 'why');
      const ends = await Promise.all(peers.map((peer) => peer.ended()));
      expect([code, ...ends]).toEqual([code, { code, reason: 'why' }, { code, reason: 'why' }]);
    }
  }
  const [client, server] = await pairOfWs(gateway, upstream);
  client.socket.close();
  expect([(await server.ended()).code, (await client.ended()).code]).toEqual([1005, 1005]);
});

test('a side that goes without a word', async () => {
  await using upstream = await socketUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url } });
  const [client, server] = await pairOfWs(gateway, upstream);
  client.socket.terminate();
  expect((await server.ended()).code).toBe(1006);
  const [other, gone] = await pairOfWs(gateway, upstream);
  gone.socket.terminate();
  expect((await other.ended()).code).toBe(1014);
});

test('an upstream that goes in the middle of a frame: the client gets no close frame inside it', async () => {
  await using upstream = await rawSocketUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` } });
  await using both = await pair(gateway, upstream);
  const half = bytesOf(text('halves')).subarray(0, 5);
  both.upstream.send(half);
  await both.client.got(5);
  both.upstream.connection.socket.end();
  await both.client.connection.closed();
  expect(both.client.received()).toEqual(half);
});

test.each<[string, Buffer, Buffer | undefined]>([
  ['a frame without a mask', bytesOf(text('a')), undefined],
  ['an unknown opcode', fromClient({ opcode: 3, payload: Buffer.alloc(0) }), undefined],
  ['a reserved bit', fromClient({ ...text('a'), reserved: 4 }), undefined],
  ['a ping of 126 bytes', fromClient({ opcode: 9, payload: Buffer.alloc(126) }), undefined],
  ['a continuation of nothing', fromClient({ opcode: 0, payload: Buffer.alloc(1) }), undefined],
  ['a close code that may not be sent', fromClient(closing(1006)), undefined],
  ['a masked frame of the server', fromClient(text('a')), Buffer.alloc(0)],
  ['a close code of the server that may not be sent', bytesOf(closing(1005)), Buffer.alloc(0)],
])('1002 to both: %s', async (_name, bytes, ofUpstream) => {
  await using upstream = await rawSocketUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` } });
  await using both = await pair(gateway, upstream);
  const good = ofUpstream === undefined ? fromClient(text('good')) : bytesOf(text('good'));
  const [from, to] = ofUpstream === undefined ? [both.client, both.upstream] : [both.upstream, both.client];
  from.send(Buffer.concat([good, bytes]));
  await hears(to, 1002, good.length);
  expect(to.received().subarray(0, good.length)).toEqual(good);
  await hears(from, 1002);
});

test('a message that is too big, in one frame or in several, is 1009 to both, and one that is not passes', async () => {
  await using upstream = await rawSocketUpstream();
  const url = `http://127.0.0.1:${upstream.port}`;
  await using gateway = await startGateway({ yaml: routeOf({ url }, '{ max_message_bytes: 100 }') });
  const just = fromClient({ opcode: 2, payload: Buffer.alloc(100) });
  const parts = [
    fromClient({ opcode: 2, payload: Buffer.alloc(60), fin: false }),
    fromClient({ opcode: 0, payload: Buffer.alloc(41) }),
  ];
  for (const [n, big] of [[fromClient({ opcode: 2, payload: Buffer.alloc(101) })], parts].entries()) {
    await using both = await pair(gateway, upstream, n);
    both.client.send(Buffer.concat([just, ...big]));
    const passed = n === 0 ? just : Buffer.concat([just, parts[0] as Buffer]);
    await hears(both.upstream, 1009, passed.length);
    expect(both.upstream.received().subarray(0, passed.length)).toEqual(passed);
    await hears(both.client, 1009);
    both.client.send(fromClient(closing(1009)));
    both.upstream.send(bytesOf(closing(1009)));
    await Promise.all([both.client.connection.closed(), both.upstream.connection.closed()]);
  }
});

test('no frame for too long, or open for too long: 1001 to both', async () => {
  await using upstream = await socketUpstream();
  await using idle = await startGateway({ yaml: routeOf(upstream, '{ idle_seconds: 0.5 }') });
  await using old = await startGateway({ yaml: routeOf(upstream, '{ max_seconds: 0.5 }') });
  for (const gateway of [idle, old]) {
    const [client, server] = await pairOfWs(gateway, upstream);
    expect([(await client.ended()).code, (await server.ended()).code]).toEqual([1001, 1001]);
  }
});

test('who is silent is pinged, its pong goes no further, and other pings and pongs pass', async () => {
  await using upstream = await socketUpstream();
  await using gateway = await startGateway({ yaml: routeOf(upstream, '{ ping_seconds: 0.3 }') });
  const [client, server] = await pairOfWs(gateway, upstream);
  await until(() => client.seen.pings.length >= 3 && server.seen.pings.length >= 3);
  expect([client.seen.pongs, server.seen.pongs, client.seen.closed, server.seen.closed]).toEqual([
    [],
    [],
    undefined,
    undefined,
  ]);
  expect(new Set([...client.seen.pings, ...server.seen.pings]).size).toBeGreaterThanOrEqual(6);
  client.socket.ping('mine');
  await until(() => client.seen.pongs.includes('mine') && server.seen.pings.includes('mine'));
  server.socket.pong('unasked8');
  await until(() => client.seen.pongs.includes('unasked8'));
});

test('who does not answer a ping is cut, and the other side hears of it', async () => {
  await using upstream = await socketUpstream({ autoPong: false });
  await using gateway = await startGateway({ yaml: routeOf(upstream, '{ ping_seconds: 0.3 }') });
  const [client, server] = await pairOfWs(gateway, upstream);
  expect([(await client.ended()).code, (await server.ended()).code]).toEqual([1014, 1006]);
  await using answering = await socketUpstream();
  await using other = await startGateway({ yaml: routeOf(answering, '{ ping_seconds: 0.3 }') });
  const silent = await open(`ws://127.0.0.1:${other.port}/proxy/ws`, { options: { autoPong: false } });
  expect([(await silent.ended()).code, (await (await answering.peer(0)).ended()).code]).toEqual([1006, 1006]);
});

test('a peer that never answers a close frame of the gateway is cut, also in the middle of a frame', async () => {
  await using upstream = await rawSocketUpstream();
  const url = `http://127.0.0.1:${upstream.port}`;
  await using gateway = await startGateway({ yaml: routeOf({ url }, '{ max_seconds: 0.5 }') });
  await using both = await pair(gateway, upstream);
  const half = bytesOf(text('halves')).subarray(0, 5);
  both.upstream.send(half);
  // Between frames towards the upstream, inside one towards the client.
  await hears(both.upstream, 1001);
  await Promise.all([both.client.connection.closed(), both.upstream.connection.closed()]);
  expect(both.client.received()).toEqual(half);
});
