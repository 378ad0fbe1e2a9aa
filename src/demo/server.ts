import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BadRequest, sendJson } from './reply.ts';
import { findHandler } from './routes.ts';
import { takeWebSockets } from './websocket.ts';

/** A running demo upstream; `await using` closes it. */
export interface Upstream extends AsyncDisposable {
  readonly port: number;
  /** Stops listening and returns when every connection is gone; what is in flight gets `graceMs` (default 0). */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts the demo upstream; port 0 takes a free one.
 * @throws the listen error (`EADDRINUSE`, `EACCES`, …)
 */
export async function startUpstream(at: { port?: number; host?: string } = {}): Promise<Upstream> {
  // Larger than the gateway's own limit, so that what it adds to a full-sized head still fits.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (req, res) => void answer(req, res));
  // Longer than the gateway keeps an idle connection, so that it is the gateway that closes first.
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 70_000;
  server.requestTimeout = 0; // slow uploads are wanted here
  const endSockets = takeWebSockets(server);
  server.listen(at.port ?? 0, at.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = (graceMs = 0): Promise<void> => {
    endSockets();
    return (closing ??= shut(server, graceMs));
  };
  return { port, close, [Symbol.asyncDispose]: () => close() };
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const target = req.url ?? '';
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  res.on('error', () => {}); // the client has gone; `close` follows
  try {
    const handler = findHandler(path);
    if (handler) await handler({ req, res, path, query });
    else sendJson(res, 404, { status: 404, message: 'no such endpoint' });
  } catch (error) {
    // Half an answer cannot be taken back: cutting the connection is the only honest end.
    if (res.headersSent || res.destroyed) res.destroy();
    else if (error instanceof BadRequest) sendJson(res, 400, { status: 400, message: error.message });
    else sendJson(res, 500, { status: 500, message: 'unexpected error' });
  }
}

async function shut(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(force);
}
