import { expect, test } from 'vitest';
import { bytesOf } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import { NO_REFILL, PATIENT } from '../limits-gateway/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { reloadsOf } from '../support/reload.ts';
import { until } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { SocketUpstream } from './peers.ts';

const REFUSED = { code: 1008, reason: 'rate_limited' };

interface LimitedRoute {
  readonly limits: string;
  readonly more?: string;
  readonly route?: string;
}

const yamlOf = (upstream: SocketUpstream, { limits, more = '', route = '' }: LimitedRoute): string =>
  `upstreams: { o: { url: "${upstream.url}" } }\n` +
  `routes: [{ path: /, upstream: o, ${route} websocket: { message_limits: [${limits}], ${more} } }]`;

const start = (yaml: string, env: Readonly<Record<string, string>> = {}): Promise<Gateway> =>
  startGateway({ yaml, env: { ACCESS_LOG: 'off', DRAIN_TIMEOUT_SECONDS: '1', ...PATIENT, ...env } });

const urlOf = (gateway: Gateway, path = '/ws'): string => `ws://127.0.0.1:${gateway.port}${path}`;

const messagesOf = (upstream: SocketUpstream): number =>
  upstream.peers.reduce((sum, { seen }) => sum + seen.messages.length, 0);

test('all sockets of a client on two nodes have as many messages together as the bucket has tokens, and no more', async () => {
  await using redis = await startRedis();
  await using upstream = await socketUpstream();
  const yaml = yamlOf(upstream, { limits: `{ name: msgs, capacity: 40, refill_per_second: ${NO_REFILL} }` });
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, WORKERS: '2' };
  await using one = await start(yaml, { ...env, NODE_NAME: 'one' });
  await using two = await start(yaml, { ...env, NODE_NAME: 'two' });
  /** One socket sends more than there can be tokens. @returns how it was told to go */
  const spend = async (gateway: Gateway): Promise<unknown> => {
    const peer = await open(urlOf(gateway));
    for (let i = 0; i <= 40; i++) peer.socket.send('x');
    return peer.ended();
  };
  // What a thread has taken ahead and does not use comes back in a second, for whoever asks then.
  await until(async () => {
    const ends = await Promise.all([one, two, one, two].map(spend));
    expect(ends).toEqual([REFUSED, REFUSED, REFUSED, REFUSED]);
    return messagesOf(upstream) >= 40;
  });
  expect(await Promise.all([one, two, one, two].map(spend))).toEqual([REFUSED, REFUSED, REFUSED, REFUSED]);
  for (const peer of upstream.peers) await peer.ended();
  expect(messagesOf(upstream)).toBe(40);
  const metrics = await (await fetch(`${one.adminUrl}/metrics`)).text();
  expect(metrics).toMatch(/rate_limit_decisions_total\{rule="msgs",mode="\w+",outcome="refused"\} [1-9]/);
  expect(metrics).toMatch(/websocket_closed_total\{route="root",by="gateway",code="1008"\} [1-9]/);
  expect(metrics).toMatch(/websocket_messages_refused_total\{route="root"\} [1-9]/);
  const shown = await (await fetch(`${one.adminUrl}/admin/limits/127.0.0.1`, { headers: one.bearer })).json();
  expect(shown).toMatchObject({
    buckets: [{ rule: 'msgs', exists: true, capacity: 40 }],
    routes: [
      { route: 'root', wouldPass: true },
      { route: 'root (messages)', wouldPass: false, refusedBy: 'msgs' },
    ],
  });
});

test('paused, every message comes in its order, never sooner than there is a token for it, from two nodes', async () => {
  await using redis = await startRedis();
  await using upstream = await socketUpstream();
  const [capacity, perSecond, each] = [20, 60, 50];
  const yaml = yamlOf(upstream, {
    limits: `{ name: msgs, capacity: ${capacity}, refill_per_second: ${perSecond} }`,
    more: 'on_message_refused: pause',
  });
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  await using one = await start(yaml, env);
  await using two = await start(yaml, env);
  const clients = await Promise.all([one, two, one, two].map((gateway) => open(urlOf(gateway))));
  await until(() => upstream.peers.length === clients.length);
  const arrivals: number[] = [];
  for (const { socket } of upstream.peers) socket.on('message', () => arrivals.push(performance.now()));
  const startedMs = performance.now();
  for (const [n, { socket }] of clients.entries()) {
    for (let i = 0; i < each; i++) socket.send(`${n}:${i}`);
  }
  await until(() => messagesOf(upstream) === clients.length * each, { describe: () => messagesOf(upstream) });
  const sent = clients.map((_client, n) => Array.from({ length: each }, (_one, i) => `${n}:${i}`));
  const byText = (a: string, b: string): number => a.localeCompare(b);
  const received = upstream.peers.map(({ seen }) => seen.messages as string[]);
  expect(received.toSorted((a, b) => byText(a[0] ?? '', b[0] ?? ''))).toEqual(sent);
  const early = arrivals.filter((ms, i) => i + 1 > capacity + ((ms - startedMs) / 1_000) * perSecond + 1);
  expect(early).toEqual([]);
  expect(clients.map(({ seen }) => seen.closed)).toEqual([undefined, undefined, undefined, undefined]);
  // What is said the other way is never held back.
  for (const { socket } of upstream.peers) socket.send('bye');
  for (const client of clients) await client.got(1);
});

test('requests and messages of one name share a bucket', async () => {
  await using upstream = await socketUpstream();
  const shared = `{ name: all, capacity: 3, refill_per_second: ${NO_REFILL} }`;
  await using gateway = await start(yamlOf(upstream, { limits: shared, route: `limits: [${shared}],` }));
  const peer = await open(urlOf(gateway)); // one token
  peer.socket.send('x');
  await (await upstream.peer(0)).got(1);
  expect((await fetch(`${gateway.url}/`)).status).toBe(200);
  peer.socket.send('x');
  expect(await peer.ended()).toEqual(REFUSED);
  expect((await fetch(`${gateway.url}/`)).status).toBe(429);
});

test('without Redis each route does what its on_store_failure says, and a closed one that pauses waits for it', async () => {
  await using redis = await startRedis();
  await using upstream = await socketUpstream();
  const routes = ['local', 'open', 'closed', 'waits'].map((name) => {
    const limit = `{ name: ${name}, capacity: 3, refill_per_second: ${NO_REFILL} }`;
    const mode = name === 'waits' ? 'closed' : name;
    const more = name === 'waits' ? 'on_message_refused: pause' : '';
    return `  - { path: /${name}, upstream: o, on_store_failure: ${mode}, websocket: { message_limits: [${limit}], ${more} } }\n`;
  });
  await using gateway = await start(`upstreams: { o: { url: "${upstream.url}" } }\nroutes:\n${routes.join('')}`, {
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  });
  const names = ['local', 'open', 'closed', 'waits'];
  const peers = [];
  for (const [i, name] of names.entries()) {
    const client = await open(urlOf(gateway, `/${name}`));
    client.socket.send('first');
    const server = await upstream.peer(i);
    await server.got(1);
    peers.push({ client, server });
  }
  const [local, opened, closed, waits] = peers as [
    (typeof peers)[0],
    (typeof peers)[0],
    (typeof peers)[0],
    (typeof peers)[0],
  ];
  redis.kill('SIGKILL');
  await gateway.waitForLog((line) => String(line['msg']).startsWith('rate limits: Redis is not asked'));
  for (let i = 0; i < 5; i++) local.client.socket.send('x');
  expect(await local.client.ended()).toEqual(REFUSED);
  await local.server.ended();
  expect(local.server.seen.messages).toHaveLength(3); // from the level last known
  for (let i = 0; i < 9; i++) opened.client.socket.send('x');
  await opened.server.got(10);
  closed.client.socket.send('x');
  expect(await closed.client.ended()).toEqual({ code: 1013, reason: 'limits_unavailable' });
  waits.client.socket.send('second');
  waits.client.socket.send('third');
  await redis.restart();
  expect(await waits.server.got(3)).toEqual(['first', 'second', 'third']);
});

test('a reload that gives more tokens, or none to pay, lets go on what waits', async () => {
  await using upstream = await socketUpstream();
  const yaml = (capacity: number): string =>
    yamlOf(upstream, {
      limits: `{ name: m${capacity}, capacity: ${capacity}, refill_per_second: ${NO_REFILL} }`,
      more: 'on_message_refused: pause',
    });
  await using gateway = await start(yaml(1));
  const reload = reloadsOf(gateway);
  const client = await open(urlOf(gateway));
  const server = await upstream.peer(0);
  for (let i = 0; i < 6; i++) client.socket.send(`${i}`);
  expect(await server.got(1)).toEqual(['0']);
  await reload(yaml(2));
  await server.got(3);
  await reload(`upstreams: { o: { url: "${upstream.url}" } }\nroutes: [{ path: /, upstream: o, websocket: {} }]`);
  expect(await server.got(6)).toEqual(['0', '1', '2', '3', '4', '5']);
});

test('a message in many frames costs one token, control frames none', async () => {
  await using upstream = await socketUpstream();
  await using gateway = await start(yamlOf(upstream, { limits: `{ capacity: 2, refill_per_second: ${NO_REFILL} }` }));
  const client = await open(urlOf(gateway));
  const server = await upstream.peer(0);
  for (let i = 0; i < 5; i++) client.socket.send('part', { fin: i === 4 });
  for (let i = 0; i < 5; i++) client.socket.ping(`${i}`);
  client.socket.send('whole');
  expect(await server.got(2)).toEqual(['part'.repeat(5), 'whole']);
  expect(server.seen.pings).toEqual(['0', '1', '2', '3', '4']);
  const raw = bytesOf({ opcode: 1, payload: Buffer.from('over'), mask: Buffer.alloc(4) });
  // The socket of ws underneath: three at once, of which none has a token.
  (client.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
    Buffer.concat([raw, raw, raw]),
  );
  expect(await client.ended()).toEqual(REFUSED);
  expect(server.seen.messages).toHaveLength(2);
});
