import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectPlain } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { statusOf, takeMessage, valueOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { answer, END, expectedOf, sequence, textOf } from './pipelined-sequences.ts';
import type { Expected, Sequence } from './pipelined-sequences.ts';

/** More by hand: `GATEWAY_TEST_RUNS=2000 npx vitest run pipelined-sequences`. */
const RUNS = Number(process.env['GATEWAY_TEST_RUNS'] ?? 80);

/** Sends the pieces, each in a turn of the loop of its own. */
async function sendSplit(socket: Socket, text: string, cuts: readonly number[]): Promise<void> {
  const places = [...cuts.map((cut) => Math.floor(cut * text.length)), text.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const place of places) {
    if (socket.destroyed) return;
    if (place > from) socket.write(text.slice(from, place), 'latin1');
    from = place;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let runs = 0;

async function holds({ requests, cuts, stallMs }: Sequence, open: () => Promise<Socket>): Promise<void> {
  const run = ++runs;
  const name = (i: number): string => `r${run}-${i}`;
  // Who has asked for the end must not send on (RFC 9112, section 9.6): what it sends may cost it the answer.
  const last = requests.findIndex(({ kind, says }) => kind !== 'malformed' && says !== 'nothing');
  const all = last < 0 ? [...requests, END] : requests.slice(0, last + 1);
  const expected = expectedOf(all, name);
  const socket = await open();
  socket.on('error', () => undefined);
  let received = '';
  let closed = false;
  socket.on('close', () => (closed = true));
  const read = (): void => void socket.on('data', (data) => (received += data.toString('latin1')));
  // A connection that is cut may be reset, and Node then forgets what it has not given out.
  if (stallMs > 0 && !expected.some(({ cut }) => cut)) setTimeout(read, stallMs);
  else read();
  try {
    await sendSplit(socket, all.map((each, i) => textOf(each, name(i))).join(''), cuts);
    let at = 0;
    for (const each of expected) {
      const message = await next(
        () => takeAnswer(received.slice(at), each, closed),
        () => closed,
      );
      const wrong = wrongOf(each, message, received.slice(at));
      if (wrong !== undefined)
        throw new Error(`${each.id}: ${wrong}; after ${at} bytes: ${received.slice(at, at + 300)}`);
      at = each.cut ? received.length : at + (message?.raw.length ?? 0);
      if (!each.cut && !saysClose(message)) continue;
      await next(
        () => closed || undefined,
        () => false,
      );
      break;
    }
    if (received.length > at) throw new Error(`more than was asked for: ${received.slice(at, at + 300)}`);
  } finally {
    socket.destroy();
  }
}

const saysClose = (message: Message | undefined): boolean =>
  message !== undefined && valueOf(message, 'connection') === 'close';

function wrongOf(wanted: Expected, message: Message | undefined, received: string): string | undefined {
  const { id, status, body, closes, cut } = wanted;
  if (cut) return message === undefined && received.includes(id) ? undefined : 'is not cut';
  if (message === undefined) return 'no answer';
  if (statusOf(message) !== status) return `not ${status}`;
  if (status !== 400 && valueOf(message, 'x-request-id') !== id) return 'the answer of another';
  if (body !== undefined && message.body !== body) return 'not its body';
  return closes === 'may' || saysClose(message) === closes ? undefined : `says close: ${!closes}`;
}

/** Of HTTP/1.0 a body may last until the connection closes. */
function takeAnswer(text: string, { withoutBody }: Expected, closed: boolean): Message | undefined {
  const message = takeMessage(text, withoutBody);
  if (message === undefined || withoutBody) return message;
  if (['content-length', 'transfer-encoding'].some((name) => valueOf(message, name) !== undefined)) return message;
  return closed ? { ...message, body: text.slice(message.raw.length), raw: text } : undefined;
}

/** Asks again and again until there is something, or nothing can come. */
async function next<T>(find: () => T | undefined, over: () => boolean): Promise<T | undefined> {
  const endMs = performance.now() + 8_000;
  for (;;) {
    const isOver = over();
    const found = find();
    if (found !== undefined || isOver) return found;
    if (performance.now() > endMs) throw new Error('nothing came for 8 s');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Clients that are at it at once. */
const CLIENTS = 4;

/** What does not end the sharing of an upstream's connections for a minute. */
const inOrder = sequence.map((each) => ({
  ...each,
  requests: each.requests.map((one) => (one.mood.startsWith('dies') ? { ...one, mood: 'length' as const } : one)),
}));

const SHARING = { UPSTREAM_PIPELINING: '8', UPSTREAM_CONNECTIONS: '3' };

describe.each([
  { name: 'plain', secure: false, env: {}, sequences: sequence },
  { name: 'TLS', secure: true, env: {}, sequences: sequence },
  { name: 'pipelined to the upstream too', secure: false, env: SHARING, sequences: inOrder },
])('any sequences of requests on connections, split anywhere ($name)', ({ secure, env, sequences }) => {
  const upstream = createServer({ keepAliveTimeout: 0 }, answer);
  let authority: TestAuthority;
  let gateway: Gateway;
  beforeAll(async () => {
    authority = createAuthority();
    const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    gateway = await startGateway({
      front: 'native',
      env: {
        ...FORWARDING_ONLY,
        ...(secure && { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }),
        UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        ACCESS_LOG: 'off',
        CIRCUIT_BREAKER_FAILURE_THRESHOLD: '4000',
        ...env,
      },
    });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    upstream.close();
    upstream.closeAllConnections();
    authority[Symbol.dispose]();
  });

  const open = async (): Promise<Socket> => {
    const to = { host: '127.0.0.1', port: gateway.port };
    if (secure) {
      const socket = connectTls({ ...to, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      return socket;
    }
    const socket = connectPlain(to);
    await once(socket, 'connect');
    return socket;
  };

  it(
    'every answer belongs to its request, whole and in order, and the connection closes when that was said',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(sequences, { minLength: 1, maxLength: CLIENTS }), async (all) => {
          await Promise.all(all.map((each) => holds(each, open)));
        }),
        { numRuns: RUNS, endOnFailure: false, interruptAfterTimeLimit: 20_000 + RUNS * 250 },
      );
      expect(gateway.log.filter((line) => line['level'] === 'error')).toEqual([]);
      expect(gateway.process.exitCode).toBeNull();
    },
    30_000 + RUNS * 300,
  );
});
