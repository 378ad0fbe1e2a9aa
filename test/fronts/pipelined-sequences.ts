import type { IncomingMessage, ServerResponse } from 'node:http';
import { fc } from '@fast-check/vitest';

/** Requests on one connection, what the upstream does with them, and what the answers must be. */

/** What the upstream does with a request. */
type Mood = 'length' | 'chunks' | 'early' | 'dies' | 'dies-within';

export interface Asked {
  readonly kind: 'forwarded' | 'no-route' | 'malformed' | 'health';
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly mood: Mood;
  /** Milliseconds until the upstream answers. */
  readonly delayMs: number;
  /** Of the answer, besides what is given back. */
  readonly answerBytes: number;
  readonly bodyBytes: number;
  /** Least size of its chunks; 0: it comes by its length. */
  readonly chunkBytes: number;
  /** What it says of the connection. */
  readonly says: 'nothing' | 'close' | '1.0';
}

const asked: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constantFrom('forwarded', 'forwarded', 'forwarded', 'forwarded', 'no-route', 'health', 'malformed'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'DELETE'),
  mood: fc.constantFrom('length', 'length', 'length', 'chunks', 'chunks', 'early', 'dies', 'dies-within'),
  delayMs: fc.constantFrom(0, 0, 1, 3, 8),
  answerBytes: fc.oneof({ weight: 4, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(300_000) }),
  bodyBytes: fc.oneof({ weight: 4, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(200_000) }),
  chunkBytes: fc.constantFrom(0, 0, 7, 50_000),
  says: fc.constantFrom('nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'close', '1.0'),
});

export interface Sequence {
  readonly requests: readonly Asked[];
  /** Where it is cut into packets, as shares of the whole. */
  readonly cuts: readonly number[];
  /** Milliseconds before the client reads. */
  readonly stallMs: number;
}

export const sequence: fc.Arbitrary<Sequence> = fc.record({
  requests: fc.array(asked, { minLength: 1, maxLength: 24 }),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
  stallMs: fc.constantFrom(0, 0, 0, 20),
});

/** Text that can be told from any other request's. */
const fill = (id: string, bytes: number): string => `${id}.`.repeat(Math.ceil(bytes / (id.length + 1))).slice(0, bytes);
const bodyOf = (request: Asked, id: string): string => fill(id, request.bodyBytes);

const hasBody = ({ method }: Asked): boolean => method === 'POST' || method === 'DELETE';

export function textOf(request: Asked, id: string): string {
  const { kind, method, mood, delayMs, answerBytes, chunkBytes, says } = request;
  const path = {
    forwarded: `/proxy/${mood}/${id}/${delayMs}/${answerBytes}`,
    'no-route': '/nowhere',
    health: '/health',
  };
  if (kind === 'malformed') return `GET /proxy/bad HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n`;
  const connection = says === 'close' ? 'Connection: close\r\n' : '';
  const start = `${method} ${path[kind]} HTTP/1.${says === '1.0' ? 0 : 1}\r\nHost: a\r\nX-Request-Id: ${id}\r\n${connection}`;
  if (!hasBody(request)) return `${start}\r\n`;
  const body = bodyOf(request, id);
  if (chunkBytes === 0 || says === '1.0') return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
  let chunks = '';
  const size = Math.max(chunkBytes, Math.ceil(body.length / 900)); // more than a thousand small ones are refused
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    chunks += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${start}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}

/** Body of the upstream's answer: says whose it is, gives back what came, and the rest can be told from any other's. */
const answerOf = (id: string, bytes: number, body: string): string => `${id}:${body}:${fill(id, bytes)}`;

export function answer(req: IncomingMessage, res: ServerResponse): void {
  const [, mood = '', id = '', delayMs, answerBytes] = (req.url ?? '').split('/');
  const give = (body: string): void => {
    const text = answerOf(id, Number(answerBytes), body);
    res.on('error', () => undefined);
    if (mood === 'dies') req.socket.destroy();
    else if (mood === 'dies-within' && req.method !== 'HEAD') {
      res.writeHead(200, { 'content-length': text.length + 1000 });
      res.write(text, () => req.socket.destroy());
    } else if (mood === 'chunks') {
      res.write(text.slice(0, 5));
      setImmediate(() => res.end(text.slice(5)));
    } else {
      res.writeHead(200, { 'content-length': text.length }).end(text);
    }
  };
  if (mood === 'early') {
    give('');
    req.resume();
    return;
  }
  let body = '';
  req.setEncoding('latin1').on('data', (piece: string) => (body += piece));
  req.on('end', () => setTimeout(() => give(body), Number(delayMs)));
}

export interface Expected {
  readonly id: string;
  readonly status: number;
  readonly body: string | undefined;
  /** `may`: a chunked body that was not whole when the answer was there. */
  readonly closes: boolean | 'may';
  readonly cut: boolean;
  readonly withoutBody: boolean;
}

/** What the answers must be, as far as any come. */
export function expectedOf(requests: readonly Asked[], name: (i: number) => string): Expected[] {
  const list: Expected[] = [];
  for (const [i, request] of requests.entries()) {
    const id = name(i);
    const { kind, method, mood, answerBytes, says, chunkBytes } = request;
    const withoutBody = method === 'HEAD' && kind !== 'malformed';
    let closes: boolean | 'may' = says !== 'nothing';
    const add = (status: number, text?: string, cut = false): void => {
      list.push({ id, status, body: withoutBody ? '' : text, closes, cut, withoutBody });
    };
    if (kind === 'malformed') {
      closes = true;
      add(400);
    } else if (kind === 'no-route') add(404);
    else if (kind === 'health') add(method === 'GET' || method === 'HEAD' ? 200 : 405);
    else if (mood === 'dies') add(502);
    else {
      const sent = hasBody(request) && mood !== 'early' ? bodyOf(request, id) : '';
      add(200, answerOf(id, answerBytes, sent), mood === 'dies-within' && !withoutBody);
    }
    const last = list.at(-1) as Expected;
    const early = kind !== 'forwarded' || mood === 'early';
    const mayClose = !last.closes && early && hasBody(request) && chunkBytes > 0;
    if (mayClose) list[list.length - 1] = { ...last, closes: 'may' };
    if (last.closes === true || last.cut) return list;
  }
  return list;
}

/** Comes behind every sequence: the connection must still serve. */
export const END: Asked = {
  kind: 'forwarded',
  method: 'GET',
  mood: 'length',
  delayMs: 0,
  answerBytes: 3,
  bodyBytes: 0,
  chunkBytes: 0,
  says: 'close',
};
