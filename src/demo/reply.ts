import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** One request on its way through the demo upstream: the raw pair, plus its target split once. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The target up to `?`, as it came: nothing decoded, no dot segment resolved, so that callers see what they sent. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A whole answer. An undefined body means no body and no Content-Length (204, 304). */
export interface Reply {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | undefined;
}

/** Sends a whole answer; for HEAD node:http drops the body and keeps the headers. */
export function send(res: ServerResponse, reply: Reply): void {
  if (reply.body === undefined) {
    res.writeHead(reply.status, reply.headers).end();
    return;
  }
  const body = Buffer.from(reply.body, 'utf8');
  res.writeHead(reply.status, { ...reply.headers, 'Content-Length': body.length }).end(body);
}

/** Sends one line of JSON. */
export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  send(res, { status, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(value)}\n` });
}

/** A request the demo upstream cannot make sense of; answered with 400 and the message. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Reads a whole number from the query.
 * @throws BadRequest when it is there and is not a whole number from 0 to `max`
 */
export function readNumber(query: URLSearchParams, name: string, range: { fallback: number; max: number }): number {
  const text = query.get(name);
  if (text === null) return range.fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= range.max)) throw new BadRequest(`${name}: expected a whole number from 0 to ${range.max}`);
  return value;
}

/** Aborts when the client has gone or the answer is complete, so that no timer outlives its exchange. */
export function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.destroyed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}
