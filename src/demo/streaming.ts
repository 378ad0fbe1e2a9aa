import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { patternChunks } from './pattern.ts';
import { readRange } from './range.ts';
import { BadRequest, goneSignal, readNumber, send } from './reply.ts';
import type { Exchange } from './reply.ts';

const MOST_BYTES = 10 * 1024 ** 3;
const PIECES = { fallback: 10, max: 1_000_000 };
const GAP_MS = { fallback: 100, max: 60_000 };

/**
 * `/bytes/N`: exactly N bytes of the pattern, no faster than the client reads; one Range is honoured for GET.
 * @throws BadRequest when N is not a whole number up to 10 GiB
 */
export async function bytes({ req, res, path }: Exchange): Promise<void> {
  const text = path.slice('/bytes/'.length);
  const total = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(total <= MOST_BYTES)) throw new BadRequest(`/bytes/N: expected a whole number from 0 to ${MOST_BYTES}`);

  const etag = `"bytes-${total}"`;
  const headers = { 'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes', ETag: etag };
  const asked = req.method === 'GET' && (req.headers['if-range'] ?? etag) === etag;
  const range = asked ? readRange(req.headers.range, total) : undefined;
  if (range === 'unsatisfiable') {
    const body = `the body has ${total} bytes\n`;
    return send(res, {
      status: 416,
      headers: { 'Content-Type': 'text/plain', 'Content-Range': `bytes */${total}` },
      body,
    });
  }
  const span = range ?? { first: 0, last: total - 1, total };
  if (range) res.setHeader('Content-Range', `bytes ${span.first}-${span.last}/${total}`);
  res.writeHead(range ? 206 : 200, { ...headers, 'Content-Length': span.last - span.first + 1 });
  if (req.method === 'HEAD') res.end();
  else await pipeline(Readable.from(patternChunks(span)), res);
}

/** `/stream`: chunked lines, `?chunks=` of them, `?ms=` apart. */
export async function stream({ res, query }: Exchange): Promise<void> {
  const count = readNumber(query, 'chunks', PIECES);
  const gapMs = readNumber(query, 'ms', GAP_MS);
  res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  await pipeline(paced({ count, gapMs, piece: (n) => `chunk ${n} of ${count}\n` }, goneSignal(res)), res);
}

/** `/sse`: server-sent events, `?events=` of them, `?ms=` apart; the headers go out before the first event. */
export async function sse({ res, query }: Exchange): Promise<void> {
  const count = readNumber(query, 'events', PIECES);
  const gapMs = readNumber(query, 'ms', GAP_MS);
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  res.flushHeaders();
  const piece = (n: number): string => `id: ${n}\nevent: tick\ndata: {"n":${n},"of":${count}}\n\n`;
  await pipeline(paced({ count, gapMs, piece }, goneSignal(res)), res);
}

interface Pace {
  readonly count: number;
  readonly gapMs: number;
  readonly piece: (n: number) => string;
}

async function* paced(pace: Pace, gone: AbortSignal): AsyncGenerator<string> {
  for (let n = 1; n <= pace.count; n++) {
    if (n > 1 && pace.gapMs > 0) await delay(pace.gapMs, undefined, { signal: gone });
    yield pace.piece(n);
  }
}
