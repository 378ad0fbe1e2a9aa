import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import type { TlsConfig } from '../../shared/config/types.ts';
import { ERRORS } from '../../shared/errors.ts';
import { problemBody, reasonPhrase } from '../../shared/http/problem.ts';
import { probeListen } from '../process/listen-problem.ts';
import type { Acceptor } from './acceptor.ts';
import { uwsBinaryProblem } from './uws-binary.ts';

/** What uWS's types leave out of an app that hands sockets to other threads. */
type AcceptorApp = TemplatedApp & {
  listen(host: string, port: number, options: number, cb: (socket: us_listen_socket | false) => void): TemplatedApp;
  addChildAppDescriptor(descriptor: unknown): void;
  removeChildAppDescriptor(descriptor: unknown): void;
  setIdleTimeout(seconds: number): void;
  setResponseTimeout(seconds: number): void;
};

/** uWS's LIBUS_LISTEN_EXCLUSIVE_PORT: never share the port with another process (SO_REUSEPORT). */
const EXCLUSIVE_PORT = 1;

/** Only for connections that come while no thread is there. */
const OWN_IDLE_SECONDS = 8;

function answerNoThreads(res: HttpResponse, method: string): void {
  const requestId = randomBytes(8).toString('hex');
  const body = problemBody('no_threads', { requestId });
  const { status, retryAfterSeconds } = ERRORS.no_threads;
  // Closing also writes `Connection: close`.
  res.cork(() => {
    res.writeStatus(`${status} ${reasonPhrase(status)}`);
    res.writeHeader('Content-Type', 'application/problem+json');
    res.writeHeader('Retry-After', String(retryAfterSeconds));
    res.writeHeader('X-Request-Id', requestId);
    if (method === 'head') res.endWithoutBody(Buffer.byteLength(body), true);
    else res.end(body, true);
  });
}

/** uWebSockets.js is not there, is not what was pinned, or does not load on this system; the message says why. */
export class UwsUnavailable extends Error {}

/** By require: when an import of it fails, Node 20 reports that once more, as an uncaught error. */
function requireUws(): typeof import('uWebSockets.js') {
  const problem = uwsBinaryProblem();
  if (problem !== '') throw new UwsUnavailable(problem);
  try {
    return createRequire(import.meta.url)('uWebSockets.js') as typeof import('uWebSockets.js');
  } catch (error) {
    // Its own message speaks of Node versions; the loader's, which says what is missing, is quoted in it.
    const text = error instanceof Error ? error.message : String(error);
    throw new UwsUnavailable(/^Error: (.*)$/m.exec(text)?.[1] ?? text.split('\n')[0], { cause: error });
  }
}

/**
 * Loads uWS for the whole process. Must be the first to do so: it reads its header limit once. The limit is twice ours,
 * so that a request between the two reaches a thread, which answers 431 as every other error is answered.
 */
function loadUws(maxHeaderBytes: number): typeof import('uWebSockets.js') {
  // oxlint-disable-next-line no-restricted-properties -- not configuration of ours: the only way to tell the library
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(2 * maxHeaderBytes);
  const uWS = requireUws();
  (uWS as unknown as { _cfg(option: 'silent'): void })._cfg('silent'); // no `uWebSockets: 20` in answers
  return uWS;
}

/**
 * The app of the front. It accepts connections and hands each to the next thread of the ring; with an empty ring it
 * answers 503 itself.
 *
 * @param opts.tls the threads must use TLS exactly when this is set: handing a socket of a plain app to a TLS app works
 *   until the thread ends, and then crashes the process (measured). The certificate clients see is the thread's.
 * @throws when the TLS files cannot be used; {@link UwsUnavailable} without uWebSockets.js
 */
export async function createUwsAcceptor(opts: {
  readonly tls: TlsConfig | undefined;
  readonly maxHeaderBytes: number;
}): Promise<Acceptor> {
  const uWS = loadUws(opts.maxHeaderBytes);
  const certificate = opts.tls?.certificates[0];
  const app = (
    certificate === undefined
      ? uWS.App()
      : uWS.SSLApp({ cert_file_name: certificate.certFile, key_file_name: certificate.keyFile })
  ) as AcceptorApp;
  app.setIdleTimeout(OWN_IDLE_SECONDS);
  app.setResponseTimeout(OWN_IDLE_SECONDS);
  app.any('/*', (res, req) => {
    res.onAborted(() => {});
    answerNoThreads(res, req.getMethod());
  });

  const members = new Set<unknown>();
  let socket: us_listen_socket | undefined;
  return {
    kind: 'uws',
    ring: {
      add({ descriptor }) {
        if (members.has(descriptor)) return;
        members.add(descriptor);
        app.addChildAppDescriptor(descriptor);
      },
      remove({ descriptor }) {
        if (members.delete(descriptor)) app.removeChildAppDescriptor(descriptor);
      },
    },
    forThread: () => ({ kind: 'uws' }),
    threadGone: () => {},
    receive: () => {},
    refused: () => 0,
    problem: '',
    refusedByRate: 0,
    configure: () => {},
    async listen(host, port) {
      app.listen(host, port, EXCLUSIVE_PORT, (result) => {
        if (result !== false) socket = result;
      });
      if (socket !== undefined) return uWS.us_socket_local_port(socket);
      // It only says that it failed; why is found out by trying.
      throw (await probeListen(host, port)) ?? new Error('it was taken a moment ago');
    },
    async stopAccepting() {
      await nextTurn(); // right after one in which all that had come was accepted
    },
    close() {
      if (socket !== undefined) uWS.us_listen_socket_close(socket);
      socket = undefined;
    },
  };
}
