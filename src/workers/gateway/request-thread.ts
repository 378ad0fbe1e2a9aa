import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Logger } from 'pino';
import { monotonicMs, random } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import { beatClockMs, heartbeatIndex } from '../../shared/threads/heartbeats.ts';
import type { RequestThreadStart } from '../../shared/threads/protocol.ts';
import { AccessLog } from './access-log.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { RequestHead } from './request-head.ts';
import { RequestIds } from './request-id.ts';
import { RoutingTable } from './routing-table.ts';
import { injectFault } from './test-faults.ts';

/** How often time-outs are looked at and the heart beats. */
export const TICK_MS = 50;
/** uWS gives a slow upload about ten seconds; the clock is started again well within them. */
const UPLOAD_KEEPALIVE_MS = 4_000;

/** Everything the exchanges of one thread share. */
export class RequestThread {
  readonly deadlines = new Deadlines(monotonicMs(), TICK_MS);
  readonly head = new RequestHead();
  readonly requestIds: RequestIds;
  readonly accessLog: AccessLog;
  readonly log: Logger;
  readonly scheme: 'http' | 'https';
  /** Exchanges whose request body is on its way. */
  readonly uploads = new Set<Exchange>();
  config: Config;
  table: RoutingTable;
  /** Answers carry Connection: close, and `/ready` says no. */
  draining = false;
  openConnections = 0;
  readonly #exchanges = new Set<Exchange>();
  readonly #beats: Int32Array;
  readonly #slot: number;
  #waitingForBody: Exchange[] = [];
  #uploadsKeptMs = 0;
  #onIdle: (() => void) | undefined;

  constructor(start: RequestThreadStart, log: Logger) {
    this.config = start.config;
    this.log = log;
    this.scheme = start.config.server.tls === undefined ? 'http' : 'https';
    this.requestIds = new RequestIds(start.requestIdPrefix);
    this.accessLog = new AccessLog(start.config.accessLog, {
      write: (entry) => log.info(entry, 'exchange'),
      dropped: (count) => log.warn({ count }, 'access log lines dropped: more exchanges than can be written'),
    });
    this.table = new RoutingTable(start.config, { deadlines: this.deadlines, random });
    this.#beats = new Int32Array(start.heartbeats);
    this.#slot = start.slot;
  }

  /** uWS's handler of every request. Whatever goes wrong in it must not get out. */
  handle(res: HttpResponse, req: HttpRequest): void {
    const exchange = new Exchange(this, res);
    this.#exchanges.add(exchange);
    try {
      if (this.config.testFaults) injectFault(req);
      exchange.start(req);
    } catch (error) {
      exchange.onFault(error);
    }
  }

  get inFlight(): number {
    return this.#exchanges.size;
  }

  /** Over the cap of exchanges, or of connections: then each refused request also sheds the connection it came on. */
  get overloaded(): boolean {
    const { maxInFlight, maxConnections } = this.config.server;
    return this.#exchanges.size > maxInFlight || this.openConnections > maxConnections;
  }

  healthBody(): string {
    return '{"status":"ok"}\n';
  }

  /** Forwards the exchange once this turn of the loop has brought what it has of the request's body. */
  sendSoon(exchange: Exchange): void {
    this.#waitingForBody.push(exchange);
    if (this.#waitingForBody.length > 1) return;
    setImmediate(() => {
      const waiting = this.#waitingForBody;
      this.#waitingForBody = [];
      for (const each of waiting) each.forwardWithoutBody();
    });
  }

  onExchangeOver(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#onIdle !== undefined && this.#exchanges.size === 0) this.#onIdle();
  }

  apply(config: Config): void {
    this.table = new RoutingTable(config, { deadlines: this.deadlines, random, previous: this.table });
    this.config = config;
    this.accessLog.configure(config.accessLog);
  }

  /** Every TICK_MS. */
  tick(): void {
    const nowMs = monotonicMs();
    this.deadlines.tick(nowMs);
    this.table.closeAged(nowMs);
    if (nowMs - this.#uploadsKeptMs >= UPLOAD_KEEPALIVE_MS) {
      this.#uploadsKeptMs = nowMs;
      for (const upload of this.uploads) upload.keepUploadAlive();
    }
    this.accessLog.flush();
    this.#beat();
  }

  #beat(): void {
    const set = (field: Parameters<typeof heartbeatIndex>[1], value: number): void => {
      Atomics.store(this.#beats, heartbeatIndex(this.#slot, field), value);
    };
    set('inFlight', this.#exchanges.size);
    set('openConnections', this.openConnections);
    set('draining', this.draining ? 1 : 0);
    set('beatMs', beatClockMs());
  }

  /** Calls back when no exchange is in flight (perhaps at once). */
  whenIdle(callback: () => void): void {
    if (this.#exchanges.size === 0) callback();
    else this.#onIdle = callback;
  }

  /** Cuts every exchange and connection. @returns how many exchanges were cut */
  abort(): number {
    const cut = this.#exchanges.size;
    for (const exchange of this.#exchanges) exchange.abandon();
    this.table.destroy();
    this.accessLog.flush();
    return cut;
  }
}
