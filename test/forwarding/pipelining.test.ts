import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS } from '../../src/workers/gateway/upstream/pipelined-connection.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, messageAt, requestText, statusOf, takeMessage } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import type { RawConnection, RawUpstream } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

const ROUNDS = 10;
const roundsOf = <Name extends string>(name: Name): `${Name} ${number}`[] =>
  Array.from({ length: ROUNDS }, (_, n) => `${name} ${n}` as const);
/** Each kind of server has its own upstream in the gateway, as one that misbehaves loses pipelining for a minute. */
const KINDS = [
  'good',
  'surplus',
  'surplus later',
  'closes',
  'resets',
  'malformed',
  'http10',
  'says close',
  'until close',
  'slow',
  'streams',
  'posts',
  ...roundsOf('left'),
  ...roundsOf('left long'),
] as const;
type Kind = (typeof KINDS)[number];
const TOGETHER = 4;

interface Asked {
  readonly connection: RawConnection;
  readonly message: Message;
}

class Upstream {
  readonly asked: Asked[] = [];
  server!: RawUpstream;
  /** Most requests that were outstanding on one connection. */
  deepest = 0;
  /** What to send once the first connection has brought TOGETHER requests; other connections answer each at once. */
  onBatch: (connection: RawConnection, paths: readonly string[]) => void = (connection, paths) => {
    connection.send(paths.map((path) => answerText(path)).join(''));
  };
  readonly #read = new Map<RawConnection, { at: number; paths: string[] }>();
  #batches = 0;

  async listen(): Promise<void> {
    this.server = await rawUpstream((connection) => this.#onData(connection));
  }

  #onData(connection: RawConnection): void {
    const state = this.#read.get(connection) ?? { at: 0, paths: [] };
    this.#read.set(connection, state);
    for (;;) {
      const message = takeMessage(connection.received().slice(state.at));
      if (message === undefined) break;
      state.at += message.raw.length;
      state.paths.push(message.startLine.split(' ')[1] ?? '');
      this.asked.push({ connection, message });
    }
    this.deepest = Math.max(this.deepest, state.paths.length);
    if (state.paths.length >= TOGETHER && this.#batches === 0) {
      this.#batches++;
      this.onBatch(connection, state.paths.splice(0));
    } else if (this.#batches > 0) {
      const paths = state.paths.splice(0);
      if (paths.length > 0) connection.send(paths.map((path) => answerText(path)).join(''));
    }
  }
}

const upstreams = new Map<Kind, Upstream>();
const upstreamOf = (kind: Kind): Upstream => upstreams.get(kind) as Upstream;
const slug = (kind: Kind): string => kind.replaceAll(' ', '-');
let gateway: Gateway;
beforeAll(async () => {
  for (const kind of KINDS) {
    const upstream = new Upstream();
    await upstream.listen();
    upstreams.set(kind, upstream);
  }
  gateway = await startGateway({
    front: 'native',
    env: { ...FORWARDING_ONLY, ACCESS_LOG: 'off' },
    yaml: `
upstreams:
${KINDS.map((kind) => `  ${slug(kind)}: { url: "http://127.0.0.1:${upstreamOf(kind).server.port}", pipelining: 8 }`).join('\n')}
routes:
${KINDS.map((kind) => `  - { path: /${slug(kind)}, upstream: ${slug(kind)}, strip_prefix: true }`).join('\n')}
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const { server } of upstreams.values()) await server[Symbol.asyncDispose]();
});

const requests = (kind: Kind, names: readonly string[]): string =>
  names.map((each) => requestText('GET', `/${slug(kind)}/${each}`)).join('');
const NAMES = ['a', 'b', 'c', 'd'];

/** Sends four requests in one segment, so that they are one batch; what came back, in order. */
async function askTogether(kind: Kind, names: readonly string[] = NAMES, timeoutMs = 5_000): Promise<string[]> {
  using client = await rawClient(gateway.port);
  client.send(requests(kind, names));
  const got: string[] = [];
  for (let n = 0; n < names.length; n++) {
    const message = await messageAt(client, n, { timeoutMs });
    got.push(statusOf(message) === 200 ? message.body : String(statusOf(message)));
  }
  return got;
}

const seen = (kind: Kind, path: string): number =>
  upstreamOf(kind).asked.filter(({ message }) => message.startLine.includes(` ${path} `)).length;

/** From then on one request at a time. */
async function expectOff(kind: Kind): Promise<void> {
  const upstream = upstreamOf(kind);
  upstream.deepest = 0;
  expect(await askTogether(kind, ['w', 'x', 'y', 'z'])).toEqual(['/w', '/x', '/y', '/z']);
  expect(upstream.deepest, 'outstanding on one connection').toBe(1);
}

describe('pipelining to an upstream that behaves', () => {
  it('the requests of a loop turn share a connection, and each gets its own answer', async () => {
    expect(await askTogether('good')).toEqual(['/a', '/b', '/c', '/d']);
    const { asked, deepest } = upstreamOf('good');
    expect([asked.length, deepest, new Set(asked.map(({ connection }) => connection)).size]).toEqual([4, 4, 1]);
    expect(await askTogether('good', ['e', 'f', 'g', 'h'])).toEqual(['/e', '/f', '/g', '/h']);
    expect(new Set(asked.map(({ connection }) => connection)).size).toBe(1);
  });

  it('a request with a body, or of another method, has a connection to itself', async () => {
    const clients = await Promise.all(['POST', 'PUT', 'DELETE', 'POST'].map(() => rawClient(gateway.port)));
    upstreamOf('posts').onBatch = () => undefined;
    clients.forEach((client, i) => {
      const fields = i === 2 ? [] : ['Content-Length: 1'];
      const method = ['POST', 'PUT', 'DELETE', 'POST'][i] as string;
      client.send(requestText(method, `/posts/${i}`, fields) + (i === 2 ? '' : 'x'));
    });
    await eventually(() => upstreamOf('posts').asked.length === 4, 'all are there');
    expect(upstreamOf('posts').deepest).toBe(1);
    for (const client of clients) client.socket.resetAndDestroy();
  });
});

describe('an upstream that does not: nobody gets another’s answer, what was lost is sent again, and sharing ends', () => {
  it('an answer that nobody asked for, in the same read', async () => {
    upstreamOf('surplus').onBatch = (connection, paths) =>
      connection.send([...paths, '/of another'].map((path) => answerText(path)).join(''));
    expect(await askTogether('surplus')).toEqual(['/a', '/b', '/c', '/d']);
    await expectOff('surplus');
  });

  it('an answer that nobody asked for, afterwards', async () => {
    let used: RawConnection | undefined;
    upstreamOf('surplus later').onBatch = (connection, paths) => {
      used = connection;
      connection.send(paths.map((path) => answerText(path)).join(''));
    };
    expect(await askTogether('surplus later')).toEqual(['/a', '/b', '/c', '/d']);
    used?.send(answerText('/of another'));
    await used?.closed();
    await expectOff('surplus later');
  });

  it.each([
    ['closes', 'the end behind the first answer', (c: RawConnection) => c.socket.end(answerText('/a'))],
    ['resets', 'a reset before any', (c: RawConnection) => c.socket.resetAndDestroy()],
    [
      'malformed',
      'a second answer that is none',
      (c: RawConnection) => c.send(`${answerText('/a')}HTTP/1.1 2x0 OK\r\n`),
    ],
    [
      'http10',
      'HTTP/1.0',
      (c: RawConnection) => c.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n/a' + answerText('/of another')),
    ],
    [
      'says close',
      'Connection: close',
      (c: RawConnection) => c.send(answerText('/a', ['Connection: close']) + answerText('/of another')),
    ],
    ['until close', 'an answer up to the end', (c: RawConnection) => c.socket.end('HTTP/1.1 200 OK\r\n\r\n/a')],
  ] as const)('%s: %s', async (kind, _name, act) => {
    upstreamOf(kind).onBatch = (connection) => void act(connection);
    const [first, second, ...rest] = await askTogether(kind);
    // A request that was at the front when it happened may have been answered in part: it fails as it would alone.
    expect(kind === 'resets' ? ['502', '/a'] : ['/a']).toContain(first);
    expect(kind === 'malformed' ? ['502'] : ['/b']).toContain(second);
    expect(rest).toEqual(['/c', '/d']);
    for (const path of ['/a', '/b', '/c', '/d']) expect(seen(kind, path), path).toBeLessThanOrEqual(2);
    await expectOff(kind);
  });
});

describe('an answer that holds up those behind it', () => {
  it('slow: they are sent elsewhere, and it goes on', async () => {
    let held: RawConnection | undefined;
    upstreamOf('slow').onBatch = (connection) => (held = connection);
    const all = askTogether('slow', NAMES, 8_000);
    await eventually(() => ['/b', '/c', '/d'].every((path) => seen('slow', path) === 2), 'sent again');
    expect(seen('slow', '/a')).toBe(1);
    held?.send(answerText('/a'));
    expect(await all).toEqual(['/a', '/b', '/c', '/d']);
    await held?.closed();
  });

  it('streaming: they are sent elsewhere, and it goes on', async () => {
    let held: RawConnection | undefined;
    upstreamOf('streams').onBatch = (connection) => {
      held = connection;
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n/a');
    };
    const all = askTogether('streams', NAMES, 8_000);
    await eventually(() => ['/b', '/c', '/d'].every((path) => seen('streams', path) === 2), 'sent again');
    held?.send('more');
    expect(await all).toEqual(['/amore', '/b', '/c', '/d']);
  });
});

describe('a client that leaves', () => {
  interface Apart {
    readonly leaver: RawConnection;
    readonly stayer: RawConnection;
    /** The upstream's connection that has all four requests, in this order. */
    readonly held: RawConnection;
    readonly paths: readonly string[];
  }

  /** Two clients whose requests share a connection, if both came within one turn of the gateway's loop. */
  async function askApart(kind: Kind): Promise<Apart | undefined> {
    let found: Pick<Apart, 'held' | 'paths'> | undefined;
    upstreamOf(kind).onBatch = (held, paths) => (found = { held, paths });
    const leaver = await rawClient(gateway.port);
    const stayer = await rawClient(gateway.port);
    leaver.send(requests(kind, ['a']));
    stayer.send(requests(kind, ['b', 'c', 'd']));
    await eventually(() => NAMES.every((name) => seen(kind, `/${name}`) > 0), 'all are there');
    if (found !== undefined) return { leaver, stayer, ...found };
    leaver.socket.resetAndDestroy();
    stayer.socket.resetAndDestroy();
    await eventually(async () => (await inFlight()) === 0, 'they are known to have left');
    return undefined;
  }

  /** @returns how often each of those that stayed was asked; `undefined` if it took so long that they went elsewhere */
  async function leave(kind: Kind, bytes: number): Promise<number[] | undefined> {
    const startedMs = performance.now();
    const apart = await askApart(kind);
    if (apart === undefined) return undefined;
    const { leaver, stayer, held, paths } = apart;
    leaver.socket.resetAndDestroy();
    await eventually(async () => (await inFlight()) <= 3, 'it is known to have left');
    held.send(paths.map((path) => answerText(path === '/a' ? path.padEnd(bytes, '.') : path)).join(''));
    for (const [n, path] of ['/b', '/c', '/d'].entries()) expect((await messageAt(stayer, n)).body).toBe(path);
    stayer.socket.destroy();
    if (performance.now() - startedMs > 0.9 * PATIENCE_MS) return undefined;
    return ['/b', '/c', '/d'].map((path) => seen(kind, path));
  }

  it.each([
    ['left', 'has its answer read and dropped', { bytes: 100, asked: [1, 1, 1] }],
    [
      'left long',
      'with a long answer takes the connection along, and nobody else',
      { bytes: 200_000, asked: [2, 2, 2] },
    ],
  ] as const)('%s: %s', async (name, _what, { bytes, asked }) => {
    let counts: number[] | undefined;
    for (const kind of roundsOf(name)) {
      counts = await leave(kind, bytes);
      if (counts !== undefined) break;
    }
    expect(counts, 'no round was quick enough').toEqual(asked);
  });

  async function inFlight(): Promise<number> {
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    return Number(/^http_requests_in_flight(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN);
  }
});
