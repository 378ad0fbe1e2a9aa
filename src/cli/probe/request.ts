import { request as requestHttp } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { monotonicMs } from '../../shared/clock.ts';

export interface TimedRequest {
  readonly url: URL;
  readonly method: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Bytes of the body that are kept; the rest is read and only counted. */
  readonly keepBytes: number;
  /** For https: as node:tls takes them. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'servername' | 'rejectUnauthorized'>;
}

/** Milliseconds from the start of the request to each event; `undefined` for one that has not happened. */
export interface Timings {
  readonly connectMs: number | undefined;
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
}

export interface TimedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** The first `keepBytes`. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly timings: Timings;
}

export type TimedOutcome =
  | { readonly ok: true; readonly answer: TimedAnswer }
  | { readonly ok: false; readonly error: Error; readonly timings: Timings };

/** One request on a connection of its own, follows no redirects; never throws. */
export function timedRequest({ url, method, timeoutMs, keepBytes, tls }: TimedRequest): Promise<TimedOutcome> {
  const startedMs = monotonicMs();
  const since = (): number => monotonicMs() - startedMs;
  let connectMs: number | undefined;
  let firstByteMs: number | undefined;
  const timings = (): Timings => ({ connectMs, firstByteMs, totalMs: since() });
  return new Promise((resolve) => {
    let timedOut: Error | undefined; // what Node says after `destroy` differs with how far it had got
    const fail = (caught: unknown): void => {
      clearTimeout(timer);
      const error = timedOut ?? (caught instanceof Error ? caught : new Error(String(caught)));
      resolve({ ok: false, error, timings: timings() });
    };
    const secure = url.protocol === 'https:';
    const options: RequestOptions = {
      method,
      agent: false,
      headers: { 'user-agent': 'gateway-probe', accept: '*/*', connection: 'close' },
    };
    const outgoing = secure ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
    const timer = setTimeout(() => {
      timedOut = new Error(`no ${firstByteMs === undefined ? '' : 'whole '}answer in ${timeoutMs} ms`);
      outgoing.destroy(timedOut);
    }, timeoutMs);
    outgoing.on('error', fail);
    outgoing.on('socket', (socket) => {
      socket.once(secure ? 'secureConnect' : 'connect', () => (connectMs = since()));
    });
    outgoing.on('response', (incoming) => {
      firstByteMs = since();
      readBody(incoming, keepBytes).then(({ body, bodyBytes }) => {
        clearTimeout(timer);
        const { statusCode = 0, statusMessage = '', headers } = incoming;
        const answer = { status: statusCode, statusText: statusMessage, headers, body, bodyBytes, timings: timings() };
        resolve({ ok: true, answer });
      }, fail);
    });
    outgoing.end();
  });
}

async function readBody(incoming: IncomingMessage, keepBytes: number): Promise<{ body: Buffer; bodyBytes: number }> {
  const kept: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    if (bodyBytes < keepBytes) kept.push(chunk.subarray(0, keepBytes - bodyBytes));
    bodyBytes += chunk.length;
  }
  return { body: Buffer.concat(kept), bodyBytes };
}
