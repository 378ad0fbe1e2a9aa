import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../../shared/log.ts';
import { problem } from './answer.ts';
import type { AdminAnswer, AdminRoutes } from './answer.ts';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 256;

export interface AdminServer {
  readonly port: number;
  /** Ends idle connections at once, busy ones after their answer. */
  close(): Promise<void>;
}

/** Reads a body to its end and forgets it: no page takes one. @returns `false` when it is too large */
async function drainBody(req: IncomingMessage): Promise<boolean> {
  let bytes = 0;
  for await (const chunk of req) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) return false;
  }
  return true;
}

async function answerTo(req: IncomingMessage, routes: AdminRoutes): Promise<AdminAnswer> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  const methods = routes.get(path);
  if (methods === undefined) return problem(404, 'not_found', { detail: 'The admin port has no such page.' });
  const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) {
    const refusal = problem(405, 'method_not_allowed', { detail: 'This page does not take the method.' });
    return { ...refusal, headers: { Allow: Object.keys(methods).join(', ') } };
  }
  if (!(await drainBody(req))) {
    const refusal = problem(413, 'body_too_large', { detail: `The body is larger than ${MAX_BODY_BYTES} bytes.` });
    return { ...refusal, headers: { Connection: 'close' } };
  }
  return handler({ remoteAddress: req.socket.remoteAddress ?? '', headers: req.headers });
}

function send(res: ServerResponse, answer: AdminAnswer): void {
  res.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    ...answer.headers,
  });
  res.end(answer.body);
}

async function respond(req: IncomingMessage, res: ServerResponse, options: AdminOptions): Promise<void> {
  try {
    send(res, await answerTo(req, options.routes));
  } catch (error) {
    if (req.destroyed && !req.complete) return; // The client went away within its body.
    options.log.error({ err: error }, 'an admin page failed');
    if (!res.headersSent) send(res, problem(500, 'internal_error', { detail: 'The page failed; the log says why.' }));
  }
}

/** How long answers under way may take when the port is closed. */
const CLOSE_WITHIN_MS = 500;

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly routes: AdminRoutes;
  readonly log: Log;
}

/** Opens the admin port. Rejects with Node's error (`code` EADDRINUSE …) when it cannot be opened. */
export function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (req, res) => {
    void respond(req, res, options);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', (error) => options.log.error({ err: error }, 'admin port'));
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            // To Node a connection that has sent nothing is not idle, and it would be waited for without end.
            const rest = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
            server.close(() => {
              clearTimeout(rest);
              done();
            });
            server.closeIdleConnections();
          }),
      });
    });
  });
}
