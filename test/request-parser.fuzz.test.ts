import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isForwardableTrailer } from '../src/shared/http/trailer-field.ts';
import { cut, readRequests } from '../src/workers/gateway/fronts/native/head-parser.fixture.ts';
import type { ReadRequest } from '../src/workers/gateway/fronts/native/head-parser.fixture.ts';
import { someCase } from './request-parser.cases.ts';
import type { Case } from './request-parser.cases.ts';
import { DIFFERENCES } from './request-parser.differences.ts';
import type { Difference } from './request-parser.differences.ts';

/** Cases per run of this file; more by hand: FUZZ_RUNS=100000 FUZZ_SEED=7. A failure prints its seed and the case. */
const CASES = Number(process.env['FUZZ_RUNS'] ?? 4000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
/** Cases on the wire at once; each has a connection of its own. */
const BATCH = 20;

/** A request in words that both readers can be asked for. */
interface Request {
  method: string;
  /** Without the scheme and authority of an absolute target. */
  target: string;
  host: string;
  via: string;
  forwardedFor: string;
  fields: string[];
  body: string;
  trailers: string[];
  persistent: boolean;
}
/** The requests that were complete, up to one after which the connection closes; and whether it ended in the midst of one, or in a fault. */
interface Outcome {
  requests: Request[];
  broken: boolean;
}

const DROPPED =
  `connection keep-alive proxy proxy-connection transfer-encoding upgrade te trailer http2-settings content-length
  host expect via forwarded x-request-id proxy-authorization x-real-ip cf-connecting-ip x-original-url`.split(/\s+/);

/** Beside them: what strangers may not say, and names that some readers take for others. */
const isDropped = (lower: string): boolean => lower.startsWith('x-forwarded-') || !/^[a-z0-9-]+$/.test(lower);

type Field = readonly [lower: string, name: string, value: string];
const pairs = (raw: readonly string[]): Field[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), name, raw[i + 1] ?? ''] as const] : []));
const valuesOf = (fields: readonly Field[], name: string): string =>
  fields.flatMap(([lower, , value]) => (lower === name ? [value] : [])).join(', ');

/** What Node read, with what the gateway drops left out; written anew, not with the parser's own rules. */
function requestOfNode(req: IncomingMessage, body: string): Request {
  const fields = pairs(req.rawHeaders);
  const options = valuesOf(fields, 'connection')
    .split(',')
    .map((option) => option.replaceAll(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
  const dropped = new Set([...DROPPED, ...options]);
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(req.url ?? '');
  const rest = absolute?.[2] ?? req.url ?? '';
  const rootless = req.method === 'OPTIONS' && rest === '' ? '*' : `/${rest}`;
  return {
    method: req.method ?? '',
    target: absolute === null || rest.startsWith('/') ? rest : rootless,
    host: absolute?.[1] ?? valuesOf(fields, 'host'),
    via: valuesOf(fields, 'via'),
    forwardedFor: valuesOf(fields, 'x-forwarded-for'),
    fields: fields
      .filter(([lower]) => !dropped.has(lower) && !isDropped(lower))
      .map(([, name, value]) => `${name}: ${value}`),
    body,
    trailers: pairs(req.rawTrailers)
      .filter(([lower]) => isForwardableTrailer(lower) && !options.includes(lower) && !isDropped(lower))
      .map(([, name, value]) => `${name}: ${value}`),
    persistent: !options.includes('close') && (req.httpVersion !== '1.0' || options.includes('keep-alive')),
  };
}

function requestOfOurs({ method, path, query, host, fields, body, trailers, head }: ReadRequest): Request {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    method,
    target: query === undefined ? path : `${path}?${query}`,
    host,
    via: text(head['via']),
    forwardedFor: text(head['forwardedFor']),
    fields,
    body,
    trailers: trailers === '' ? [] : trailers.slice(0, -2).split('\r\n'),
    persistent: head['persistent'] === true,
  };
}

function readByUs({ text, cuts }: Case): Outcome {
  const { requests, fault, waiting } = readRequests(cut(text, cuts));
  const complete = requests.filter((request) => request.complete).map((request) => requestOfOurs(request));
  return upToClose({ requests: complete, broken: fault !== undefined || waiting || complete.length < requests.length });
}

const methodsOf = ({ text, cuts }: Case): string[] =>
  readRequests(cut(text, cuts)).requests.map(({ method }) => method);

/** Behind a request that closes the connection nothing is read, whatever it is. */
function upToClose({ requests, broken }: Outcome): Outcome {
  const last = requests.findIndex((request) => !request.persistent);
  return last === -1 ? { requests, broken } : { requests: requests.slice(0, last + 1), broken: false };
}

let server: Server;
let port = 0;
/** By the client's port. */
const readings = new Map<number, { requests: { req: IncomingMessage; body: string }[]; broken: boolean }>();
const readingOf = (socket: Socket) => readings.get(socket.remotePort ?? 0);

/** What Node's own server makes of it. */
async function readByNode({ text, cuts }: Case): Promise<Outcome> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => socket.destroy());
  socket.resume();
  await once(socket, 'connect');
  const reading = { requests: [], broken: false };
  readings.set(socket.localPort ?? 0, reading);
  const clientPort = socket.localPort ?? 0;
  const closed = new Promise((resolve) => socket.on('close', resolve));
  for (const piece of cut(text, cuts)) {
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await closed;
  readings.delete(clientPort);
  const { requests, broken } = reading as { requests: { req: IncomingMessage; body: string }[]; broken: boolean };
  const complete = requests.filter(({ req }) => req.complete).map(({ req, body }) => requestOfNode(req, body));
  return upToClose({ requests: complete, broken: broken || complete.length < requests.length });
}

type Verdict = 'both take it' | 'both refuse' | Difference['kind'];

async function compare(given: Case): Promise<Verdict> {
  const node = await readByNode(given);
  const ours = readByUs(given);
  const both = Math.min(ours.requests.length, node.requests.length);
  const text = ({ requests }: Outcome): string => JSON.stringify(requests.slice(0, both));
  if (text(ours) !== text(node)) return 'requests differ';
  if (ours.requests.length !== node.requests.length) {
    return ours.requests.length < node.requests.length ? 'ours refuses' : 'node refuses';
  }
  if (ours.broken !== node.broken) return ours.broken ? 'ours refuses' : 'node refuses';
  return ours.broken ? 'both refuse' : 'both take it';
}

beforeAll(async () => {
  // No answer is ever given: only what is read counts, and an answer could close the connection.
  const onRequest = (req: IncomingMessage): void => {
    const entry = { req, body: '' };
    readingOf(req.socket)?.requests.push(entry);
    req.setEncoding('latin1').on('data', (piece: string) => (entry.body += piece));
    req.on('error', () => {});
  };
  // Host is judged by our rules, which are on the list of differences.
  server = createServer({ insecureHTTPParser: false, requireHostHeader: false, noDelay: true }, onRequest);
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (_error, socket) => {
    const reading = readingOf(socket as Socket);
    if (reading !== undefined) reading.broken = true;
  });
  // Or what was read is thrown away with the client's FIN.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('end', () => setImmediate(() => setImmediate(() => socket.destroy())));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

describe('our request parser against Node’s', () => {
  test('both read the same, or both refuse, but for the listed differences', { timeout: 600_000 }, async () => {
    const counts: Partial<Record<Verdict | 'excused', number>> = {};
    const count = (what: Verdict | 'excused'): number => (counts[what] = (counts[what] ?? 0) + 1);
    const unexplained = async (given: Case): Promise<string[]> => {
      const verdict = await compare(given);
      count(verdict);
      if (verdict === 'both take it' || verdict === 'both refuse') return [];
      if (DIFFERENCES.some((known) => known.kind === verdict && known.when(given.text, methodsOf(given)))) {
        count('excused');
        return [];
      }
      return [`${verdict}: ${JSON.stringify(given.text)} cut at ${given.cuts.join()}`];
    };
    const batch = fc.array(someCase, { minLength: 1, maxLength: BATCH, size: 'max' });
    const perBatch = BATCH / 2; // on average
    await fc.assert(
      fc.asyncProperty(batch, async (cases) => {
        expect((await Promise.all(cases.map(unexplained))).flat()).toEqual([]);
      }),
      { seed: SEED, numRuns: Math.ceil(CASES / perBatch), interruptAfterTimeLimit: CASES * 10 },
    );
    // The comparison is worth something only while sound requests are common and excuses rare.
    const { excused = 0, ['both take it']: same = 0, ['both refuse']: refused = 0 } = counts;
    const total = excused + same + refused;
    expect(same / total).toBeGreaterThan(0.3);
    expect(refused / total).toBeGreaterThan(0.1);
    expect(excused / total).toBeLessThan(0.2);
  });

  test.each(DIFFERENCES)('the difference is real, and no wider than said: $name', async (known) => {
    const { kind, example, repaired } = known;
    expect(await compare({ text: example, cuts: [] })).toBe(kind);
    expect(await compare({ text: repaired, cuts: [] })).toBe('both take it');
    const excusing = (text: string): string[] =>
      DIFFERENCES.filter((other) => other.kind === kind && other.when(text, methodsOf({ text, cuts: [] }))).map(
        (other) => other.name,
      );
    expect(excusing(example)).toEqual([known.name]);
    expect(excusing(repaired)).toEqual([]);
  });
});
