import uWS from 'uWebSockets.js';
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { ServerConfig } from '../../../../shared/config/types.ts';
import type { RequestThread } from '../../request-thread.ts';
import { FAULT_FIELD, injectFault } from '../../test-faults.ts';
import type { ClientFront } from '../front.ts';
import { ClientConnections } from './client-connections.ts';
import { addCertificates, createSslApp } from './ssl-app.ts';
import { UwsRequestHead } from './request-head.ts';
import { UwsClient } from './uws-client.ts';
import type { UwsClientParts } from './uws-client.ts';

/** What uWebSockets.js offers and its types do not say. */
interface RequestApp extends Omit<TemplatedApp, 'filter'> {
  /** Calls with +1 for each connection that is handed over, -1 when it has gone. */
  filter(onChange: (res: HttpResponse, change: number) => void): void;
  getDescriptor(): unknown;
  /** Seconds from accept to the first request's complete header; steps of 4. */
  setIdleTimeout(seconds: number): void;
  /** Seconds a kept-alive connection may rest after an answer; steps of 4. */
  setResponseTimeout(seconds: number): void;
}

const TIMEOUT_STEP_SECONDS = 4;

function createApp({ tls }: ServerConfig): RequestApp {
  (uWS as unknown as { _cfg(option: 'silent'): void })._cfg('silent'); // no `uWebSockets: 20` in every answer
  return (tls === undefined ? uWS.App() : createSslApp(tls)) as unknown as RequestApp;
}

/** A thread's app of uWebSockets.js: every request it hands out becomes an exchange. */
export class UwsFront implements ClientFront {
  readonly #thread: RequestThread;
  readonly #app: RequestApp;
  readonly #connections: ClientConnections;
  readonly #head: UwsRequestHead;
  readonly #clientParts: UwsClientParts;

  constructor(thread: RequestThread) {
    const { server } = thread.config;
    this.#thread = thread;
    this.#connections = new ClientConnections(() => {
      const { maxConnections, workers } = thread.config.server;
      return Math.ceil(maxConnections / workers);
    });
    this.#head = new UwsRequestHead(server);
    const { certificates, log } = thread;
    const asksClients = server.tls?.clientCaFile !== undefined;
    this.#clientParts = { connections: this.#connections, asksClients, certificates, log };
    this.#app = createApp(server);
    const idleSeconds = Math.ceil(server.idleTimeoutMs / 1000) + TIMEOUT_STEP_SECONDS;
    this.#app.setIdleTimeout(idleSeconds);
    this.#app.setResponseTimeout(idleSeconds);
    this.#app.filter((res, change) => {
      if (change < 0) return this.#connections.onClosed();
      thread.onConnection();
      this.#connections.onOpened(res);
    });
    const addRoutes = (to: Pick<TemplatedApp, 'any'>): void => {
      to.any('/*', (res, req) => this.#handle(res, req));
    };
    addRoutes(this.#app);
    if (server.tls !== undefined) addCertificates(this.#app as unknown as TemplatedApp, server.tls, addRoutes);
  }

  /** For the front's app, which hands connections over to it. */
  get descriptor(): unknown {
    return this.#app.getDescriptor();
  }

  get open(): number {
    return this.#connections.open;
  }

  isBeyondCap(address: string): boolean {
    return this.#connections.isBeyondCap(address);
  }

  configure(): void {} // an app keeps what it was made with: the front replaces the threads

  receive(): void {} // nothing of it is for uWS, which also has ticket keys of its own, one for each thread

  tick(): void {} // uWS keeps its own time

  finish(): boolean {
    return true; // the app is out of the ring; what still comes is answered
  }

  isResting(): boolean {
    return true; // uWS does not say what it has of a request or of a handshake
  }

  close(): void {
    this.#app.close();
  }

  /** uWS's handler of every request. Whatever goes wrong in it must not get out. */
  #handle(res: HttpResponse, req: HttpRequest): void {
    const thread = this.#thread;
    const head = this.#head;
    const client = new UwsClient(this.#clientParts, res);
    const exchange = thread.open(client);
    client.serve(exchange);
    try {
      if (thread.config.testFaults) injectFault(req.getHeader(FAULT_FIELD));
      head.identifying = thread.identifying;
      head.passesAmbiguous = thread.passesAmbiguous;
      head.maxHeaderCount = thread.config.server.maxHeaderCount;
      head.read(req);
      exchange.start(head);
      if (exchange.body !== undefined) client.takeBody(exchange);
      exchange.proceed();
    } catch (error) {
      exchange.onFault(error);
    }
    client.leaveHandler();
  }
}
