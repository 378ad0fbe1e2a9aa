import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface ExchangeOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends it, also while the body is read. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the other side has taken the connection. */
  readonly onConnect?: (() => void) | undefined;
}

/**
 * One request on a connection of its own; follows no redirects. Not `fetch`: that never settles where the other side
 * closes a connection as it takes it, and the command would end without a word.
 * @returns the header of the answer, with the body to be read; rejects with Node's error
 */
export const exchange = (url: URL, options: ExchangeOptions): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, headers, body, signal, onConnect } = options;
    const secure = url.protocol === 'https:';
    const framing = body === undefined && method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body ?? '') };
    const outgoing = (secure ? requestHttps : requestHttp)(url, {
      method,
      agent: false,
      headers: { ...headers, ...framing, connection: 'close' },
      ...(signal === undefined ? {} : { signal }),
    });
    outgoing.on('error', reject);
    outgoing.on('response', resolve);
    if (onConnect !== undefined) outgoing.on('socket', (socket) => socket.once('connect', onConnect));
    outgoing.end(body);
  });

/** The whole body as text. Rejects where it ends early. */
export async function bodyOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8');
  let text = '';
  for await (const piece of incoming as AsyncIterable<string>) text += piece;
  return text;
}
