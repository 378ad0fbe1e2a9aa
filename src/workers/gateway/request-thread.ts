import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Logger } from 'pino';
import { monotonicMs, random } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import { beatClockMs, heartbeatIndex } from '../../shared/threads/heartbeats.ts';
import type { RequestThreadStart } from '../../shared/threads/protocol.ts';
import { AccessLog } from './access-log.ts';
import { Deadlines } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { PeerAddresses } from './peer-address.ts';
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
  readonly peers = new PeerAddresses();
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
  /** Exchanges in flight, as a list through `next` and `previous`: a Set would hash two times for each. */
  #newest: Exchange | undefined;
  #inFlight = 0;
  readonly #beats: Int32Array;
  readonly #slot: number;
  #waitingForBody: Exchange[] = [];
  #uploadsKeptMs = 0;

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
    this.#inFlight++;
    exchange.previous = this.#newest;
    if (this.#newest !== undefined) this.#newest.next = exchange;
    this.#newest = exchange;
    try {
      if (this.config.testFaults) injectFault(req);
      exchange.start(req);
    } catch (error) {
      exchange.onFault(error);
    }
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Over the cap of exchanges, or of connections: then each refused request also sheds the connection it came on. */
  get overloaded(): boolean {
    const { maxInFlight, maxConnections } = this.config.server;
    return this.#inFlight > maxInFlight || this.openConnections > maxConnections;
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
      for (const each of waiting) each.onUploadBegins();
    });
  }

  onExchangeOver(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous !== undefined) previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    this.#inFlight--;
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
    this.beat();
  }

  /** Writes this thread's row of the shared memory. */
  beat(): void {
    const set = (field: Parameters<typeof heartbeatIndex>[1], value: number): void => {
      Atomics.store(this.#beats, heartbeatIndex(this.#slot, field), value);
    };
    set('inFlight', this.#inFlight);
    set('openConnections', this.openConnections);
    set('draining', this.draining ? 1 : 0);
    set('beatMs', beatClockMs());
  }

  /** Cuts every exchange and connection. @returns how many exchanges were cut */
  abort(): number {
    const cut = this.#inFlight;
    for (let exchange = this.#newest; exchange !== undefined;) {
      const { previous } = exchange;
      exchange.abandon();
      exchange = previous;
    }
    this.table.destroy();
    this.accessLog.flush();
    return cut;
  }
}
