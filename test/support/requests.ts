import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Address to call; default loopback. */
  readonly host?: string;
  /** Takes the client away in the middle. */
  readonly signal?: AbortSignal;
}

/** One request over a connection of its own, as curl sends it; a text stands for a GET of that path. */
export function get(port: number, ask: Ask | string = {}): Promise<Reply> {
  const {
    path = '/proxy/ok',
    host = '127.0.0.1',
    headers,
    body,
    ...rest
  } = typeof ask === 'string' ? { path: ask } : ask;
  // Node frames the body of a GET not by itself.
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const options = { host, port, path, agent: false, headers: { ...length, ...headers }, ...rest };
    const req = request(options, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (piece: string) => (text += piece));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Statuses of so many requests, one after the other, to a port or to what listens there. */
export async function statuses(
  at: number | { readonly port: number },
  count: number,
  ask: Ask | string = {},
): Promise<number[]> {
  const port = typeof at === 'number' ? at : at.port;
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push((await get(port, ask)).status);
  return seen;
}

/** How many times each status came. */
export function tally(seen: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of seen) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
