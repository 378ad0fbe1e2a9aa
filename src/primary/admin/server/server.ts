import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonicMs } from '../../../shared/clock.ts';
import type { Log } from '../../../shared/log.ts';
import { problem } from '../contract/answer.ts';
import type { AdminAnswer, AnswerStream } from '../contract/answer.ts';
import type { AnyOperation } from '../contract/operation.ts';
import { knowsToken } from './access.ts';
import { Audit } from './audit.ts';
import { dispatch } from './dispatch.ts';
import type { DispatchParts } from './dispatch.ts';
import { OperationTable } from './operation-table.ts';
import { Places } from './places.ts';
import type { PlacesOptions } from './places.ts';
import type { AdminToken } from '../token/admin-tokens.ts';
import { SESSIONS, Sessions } from './sessions.ts';
import { pause, WrongTokens } from './wrong-tokens.ts';

const PLACES = {
  most: 256,
  forToken: 16,
  firstRequestWithinMs: 5_000,
  busyForMs: 10_000,
} as const satisfies Partial<PlacesOptions>;
/** Below what the command waits for an answer, so that it can say that its token is wrong. */
const WRONG_TOKENS = { firstMs: 100, longestMs: 1_600, forgottenAfterMs: 60_000, mostAddresses: 1_024 } as const;
/** A connection on which nothing moves either way; event streams have a sign of life every 15 s. */
const DEAD_AFTER_MS = 60_000;
/** How often Node looks for requests that take too long to come. */
const LOOK_EVERY_MS = 2_000;

export interface AdminServer {
  readonly port: number;
  /** Ends idle connections at once, busy ones after their answer. */
  close(): Promise<void>;
}

/** How long answers under way may take when the port is closed. */
const CLOSE_WITHIN_MS = 500;
/** After this much silence the system asks whether the other side is still there. */
const KEEPALIVE_AFTER_MS = 30_000;

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly operations: readonly AnyOperation[];
  /** The admin token of now. */
  readonly token: () => AdminToken;
  /** Who has signed in on the operator's page; without it nobody can. */
  readonly sessions?: Sessions;
  readonly log: Log;
  /** How refusals are held back; a timer, but for tests. */
  readonly pause?: (ms: number) => Promise<void>;
}

function streamOf(res: ServerResponse): AnswerStream {
  // A write that comes too late concerns this reader alone; unheard, it would end the process.
  res.on('error', () => {});
  return {
    write: (text) => void res.write(text),
    waitingBytes: () => res.writableLength,
    end: () => void res.end(),
    cut: () => void res.destroy(),
    onClose: (told) => void res.once('close', told),
  };
}

function send(res: ServerResponse, answer: AdminAnswer, withBody: boolean): void {
  const { afterSent } = answer;
  if (afterSent !== undefined) res.once('close', afterSent);
  const headers = { 'Content-Type': answer.type, 'Cache-Control': 'no-store', ...answer.headers };
  if ('body' in answer) {
    res.writeHead(answer.status, { ...headers, 'Content-Length': Buffer.byteLength(answer.body) });
    res.end(answer.body);
    return;
  }
  res.writeHead(answer.status, { ...headers, Connection: 'close' });
  if (!withBody) {
    res.end();
    return;
  }
  res.flushHeaders();
  answer.open(streamOf(res));
}

async function respond(req: IncomingMessage, res: ServerResponse, parts: DispatchParts): Promise<void> {
  try {
    const answer = await dispatch(req, parts);
    // Nobody is left to read it; what was asked for has been done all the same.
    if (res.destroyed) answer.afterSent?.();
    else send(res, answer, req.method !== 'HEAD');
  } catch (error) {
    const clientLeft = req.destroyed && !req.complete;
    if (!clientLeft) parts.onFault(error);
    res.destroy();
  }
}

const TOO_MANY = {
  ...problem(503, 'too_many_connections', {
    detail: 'Too many others are asking; the last places are for who knows the admin token.',
  }),
  headers: { 'Retry-After': '1', Connection: 'close' },
};

/** Opens the admin port. Rejects with Node's error (`code` EADDRINUSE …) when it cannot be opened. */
export function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const { log, token } = options;
  const places = new Places({ nowMs: monotonicMs, ...PLACES });
  const sessions = options.sessions ?? new Sessions({ nowMs: monotonicMs, ...SESSIONS, token, allowed: () => false });
  const wrongTokens = new WrongTokens({ nowMs: monotonicMs, ...WRONG_TOKENS });
  const parts: DispatchParts = {
    table: new OperationTable(options.operations),
    holdBack: ({ socket }) => {
      places.holds(socket);
      return (options.pause ?? pause)(wrongTokens.delayMs(socket.remoteAddress ?? ''));
    },
    token,
    sessions,
    audit: new Audit(log, monotonicMs),
    onFault: (error) => log.error({ err: error }, 'an admin call failed'),
  };
  const limits = {
    requestTimeout: 10_000,
    headersTimeout: 10_000,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_AFTER_MS,
    connectionsCheckingInterval: LOOK_EVERY_MS,
  };
  const server = createServer(limits, (req, res) => {
    const isKnown = knowsToken(req.headers, token()) || sessions.stateOf(req.headers) === 'valid';
    if (!places.begins(req.socket, isKnown)) return send(res, TOO_MANY, req.method !== 'HEAD');
    res.once('close', () => places.ends(req.socket));
    void respond(req, res, parts);
  });
  server.on('connection', (socket) => places.opened(socket));
  server.timeout = DEAD_AFTER_MS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', (error) => log.error({ err: error }, 'admin port'));
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
