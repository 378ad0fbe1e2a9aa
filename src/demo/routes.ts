import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { matchesEtag } from './range.ts';
import { BadRequest, goneSignal, readNumber, send, sendJson } from './reply.ts';
import type { Exchange } from './reply.ts';
import { bytes, sse, stream } from './streaming.ts';

type Handler = (exchange: Exchange) => void | Promise<void>;

/** 130 bytes, the small answer of every measurement in this repository. */
export const OK_BODY = `${JSON.stringify({
  status: 'ok',
  service: 'demo upstream',
  message: 'a small answer of one hundred and thirty bytes, its ending newline included',
})}\n`;
const OK_ETAG = '"ok-1"';

function ok({ req, res }: Exchange): void {
  const headers = { 'Content-Type': 'application/json', ETag: OK_ETAG };
  if (matchesEtag(req.headers['if-none-match'], OK_ETAG)) send(res, { status: 304, headers: { ETag: OK_ETAG } });
  else send(res, { status: 200, headers, body: OK_BODY });
}

const fail: Handler = ({ res }) => sendJson(res, 500, { status: 'error', message: 'this endpoint always fails' });

const health: Handler = ({ res }) => sendJson(res, 200, { status: 'ok' });

async function slow({ res, query }: Exchange): Promise<void> {
  const waitMs = readNumber(query, 'ms', { fallback: 2000, max: 60_000 });
  await delay(waitMs, undefined, { signal: goneSignal(res) });
  sendJson(res, 200, { status: 'ok', waitedMs: waitMs });
}

/** Names keep their order and case; a byte above 0x7f in a value is the character of that code (latin1). */
async function echo({ req, res }: Exchange): Promise<void> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  const headers: [string, string][] = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2)
    headers.push([req.rawHeaders[i] ?? '', req.rawHeaders[i + 1] ?? '']);
  const { method, url, httpVersion } = req;
  sendJson(res, 200, { method, path: url, httpVersion, headers, body: { bytes: size, sha256: hash.digest('hex') } });
}

/** `/status/CODE`: that status. 100, 102 and 103 come as the interim answers they are, followed by a 200. */
function status({ res, path }: Exchange): void {
  const code = /^\d{3}$/.test(path.slice('/status/'.length)) ? Number(path.slice('/status/'.length)) : 0;
  if (code === 100) res.writeContinue();
  else if (code === 102) res.writeProcessing();
  else if (code === 103) res.writeEarlyHints({ link: '</ok>; rel=preload; as=fetch' });
  else if (code < 200 || code > 599) throw new BadRequest('/status/CODE: expected 100, 102, 103 or 200 to 599');

  if (code < 200) return sendJson(res, 200, { interim: code });
  if (code === 204 || code === 304) return send(res, { status: code });
  if (code === 205) return send(res, { status: code, body: '' });
  if ([301, 302, 303, 307, 308].includes(code)) res.setHeader('Location', '/ok');
  return sendJson(res, code, { status: code });
}

const EXACT: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['/ok', ok],
  ['/fail', fail],
  ['/slow', slow],
  ['/health', health],
  ['/echo', echo],
  ['/stream', stream],
  ['/sse', sse],
]);

/** The handler of a path; everything under `/echo/` echoes too. Undefined: there is none. */
export function findHandler(path: string): Handler | undefined {
  if (path.startsWith('/bytes/')) return bytes;
  if (path.startsWith('/status/')) return status;
  if (path.startsWith('/echo/')) return echo;
  return EXACT.get(path);
}
