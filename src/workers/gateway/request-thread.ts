import { getHeapStatistics } from 'node:v8';
import { monotonicMs, random, wallClockMs } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import { beatClockMs, heartbeatIndex } from '../../shared/threads/heartbeats.ts';
import type { BreakerPlaces } from '../../shared/breaker/messages.ts';
import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import type { HealthPlaces } from '../../shared/health/memory.ts';
import type { Log } from '../../shared/log.ts';
import { identifyingFields } from '../../shared/limits/client-key.ts';
import { THREAD } from '../../shared/metrics/layout.ts';
import type { ConcurrencyRows } from '../../shared/overload/concurrency-memory.ts';
import type { MetricRows } from '../../shared/metrics/layout.ts';
import type { FromRequestThread, RequestThreadStart } from '../../shared/threads/protocol.ts';
import type {
  FromUpstreamThread,
  NewDrains,
  NewSplits,
  NewTargets,
  TargetSets,
  ToUpstreamThread,
} from '../../shared/upstreams/messages.ts';
import { AccessLog } from './access-log.ts';
import { ThreadAuthorizers } from './authorize/thread-authorizers.ts';
import { ClientIds } from './breaker/client-ids.ts';
import { createGate } from './breaker/gate.ts';
import type { BreakerGate } from './breaker/gate.ts';
import { Deadlines } from './deadlines.ts';
import type { ClientSide } from './exchange/client-side.ts';
import { ClientsInFlight } from './exchange/clients-in-flight.ts';
import { Exchange } from './exchange/exchange.ts';
import { BodyRoom } from './exchange/gathered-body.ts';
import { SlowReaders } from './exchange/slow-readers.ts';
import { UntrustedProxy } from './exchange/untrusted-proxy.ts';
import type { AwaitingBody, ExchangeThread, LinkedExchange, Uploading } from './exchange/thread.ts';
import type { ClientFront } from './fronts/front.ts';
import { CertificateCache } from './identity/certificates/certificate-cache.ts';
import { RefusedCertificates } from './identity/certificates/refused-certificates.ts';
import { credentialFields, ThreadIdentity } from './identity/thread-identity.ts';
import { ThreadTokens } from './identity/jwt/thread-tokens.ts';
import { storedIdentities } from './identity/keys/stored-identity.ts';
import { StoredKeyVerifier } from './identity/keys/stored-key-verifier.ts';
import { ThreadLimits } from './limits/thread-limits.ts';
import type { ThreadLimitsStart } from './limits/thread-limits.ts';
import { Maintenance } from './maintenance/maintenance.ts';
import { ThreadMetrics } from './metrics/thread-metrics.ts';
import { ClientCounts } from '../../shared/overload/client-counts.ts';
import { LoopShedding } from './overload/loop-shedding.ts';
import { ThreadRooms } from './overload/thread-rooms.ts';
import { RequestIds } from './request-id.ts';
import { RoutingTable } from './routing-table.ts';
import { ThreadNames } from './upstream/thread-names.ts';
import type { EjectionWatch } from './upstream/watch-ejection.ts';
import { SharingClients } from './sharing-clients.ts';
import { Streams } from './upstream/streams.ts';
import { MessageGates } from './websocket/message-gate.ts';
import { ThreadWebSockets } from './websocket/thread-websockets.ts';

/** How often time-outs are looked at and the heart beats. */
export const TICK_MS = 50;
const HEAP_EVERY_MS = 1_000;
/** How often uploads are looked at. uWS gives a slow one about ten seconds; its clock is started again well within them. */
const UPLOAD_KEEPALIVE_MS = 4_000;

/** Rows of shared memory that upstreams have. */
interface Places {
  readonly breaker: BreakerPlaces;
  readonly health: HealthPlaces;
  readonly targetSets: TargetSets;
  readonly concurrency: ConcurrencyRows;
}

export interface RequestThreadParts {
  readonly log: Log;
  /** To the front. */
  readonly post: (message: FromRequestThread) => void;
  /** Set exactly where the configuration names a Redis. */
  readonly openRedisStore: ThreadLimitsStart['openRedisStore'];
}

/** Everything the exchanges of one thread share. */
export class RequestThread implements ExchangeThread {
  readonly deadlines = new Deadlines(monotonicMs(), TICK_MS);
  readonly requestIds: RequestIds;
  readonly accessLog: AccessLog;
  readonly limits: ThreadLimits;
  readonly identity: ThreadIdentity;
  readonly tokens: ThreadTokens;
  /** API keys that the configuration does not have. */
  readonly storedKeys: StoredKeyVerifier;
  /** Those of clients that come as a text. */
  readonly certificates: CertificateCache;
  readonly refusedCertificates: RefusedCertificates;
  readonly breaker: BreakerGate;
  readonly maintenance = new Maintenance(createProcessClock());
  /** Whom routes ask whether requests may pass. */
  readonly authorizers: ThreadAuthorizers;
  readonly clients: SharingClients;
  readonly streams: Streams;
  readonly bodyRoom = new BodyRoom();
  readonly clientsInFlight: ClientsInFlight;
  readonly rooms: ThreadRooms;
  readonly #shedding: LoopShedding;
  /** `undefined` = nothing is refused because this thread is late. */
  shedding: LoopShedding | undefined = undefined;
  readonly websockets: ThreadWebSockets;
  readonly untrustedProxy: UntrustedProxy;
  readonly log: Log;
  readonly metrics: ThreadMetrics;
  readonly names: ThreadNames;
  readonly scheme: 'http' | 'https';
  /** Exchanges whose request body is on its way. */
  readonly uploads = new Set<Uploading>();
  config: Config;
  table: RoutingTable;
  /** Lower-case names of fields whose values may name the client. */
  identifying: ReadonlySet<string> = new Set();
  /** Where its clients are; set once, before the first of them comes. */
  front: ClientFront | undefined = undefined;
  /** Answers carry Connection: close, and `/ready` says no. */
  draining = false;
  /** @see Watched */
  activity = 0;
  #identityOf: ReturnType<typeof storedIdentities>;
  #newest: LinkedExchange | undefined;
  #inFlight = 0;
  readonly #beats: Int32Array;
  readonly #slot: number;
  readonly #healthWatch: EjectionWatch;
  readonly #tellOfUpstreams: (message: FromUpstreamThread) => void;
  /** Targets that get no new requests, by `targetKey`. */
  #drained: ReadonlySet<string>;
  /** Weights that an operator has moved, by `splitKey`. */
  #splitWeights: ReadonlyMap<string, number>;
  #degraded: readonly string[] = [];
  #waitingForBody: AwaitingBody[] = [];
  #uploadsKeptMs = 0;
  readonly #slowReaders = new SlowReaders();
  #tickedMs = -1;
  #heapReadMs = 0;

  constructor(start: RequestThreadStart, { log, post, openRedisStore }: RequestThreadParts) {
    this.config = start.config;
    this.log = log;
    this.maintenance.replace(start.maintenance);
    this.metrics = new ThreadMetrics(start);
    this.scheme = start.config.server.tls === undefined ? 'http' : 'https';
    this.requestIds = new RequestIds(start.requestIdPrefix);
    this.accessLog = new AccessLog(start.config.accessLog, {
      write: (entry) => log.info(entry, 'exchange'),
      dropped: (count) => {
        this.metrics.add(THREAD.accessLogDropped, count);
        log.warn({ count }, 'access log lines dropped: more exchanges than can be written');
      },
      skipped: (count) => {
        this.metrics.add(THREAD.accessLogDropped, count);
        log.warn({ count }, 'failures without a line: too many at once (ACCESS_LOG=on writes each)');
      },
    });
    this.limits = new ThreadLimits({
      ...start,
      metrics: this.metrics,
      post: (message) => post({ to: 'limits', ...message }),
      log,
      openRedisStore,
    });
    this.tokens = new ThreadTokens({ ...start, post: (message) => post({ to: 'identity', ...message }), log });
    this.#identityOf = storedIdentities(start.config.identities);
    const { cacheEntries, cacheMs } = start.config.identities;
    this.certificates = new CertificateCache(cacheEntries);
    this.refusedCertificates = new RefusedCertificates(log);
    this.storedKeys = new StoredKeyVerifier({
      cacheEntries,
      cacheMs,
      clock: monotonicMs,
      wallClock: wallClockMs,
      post: (message) => post({ to: 'keys', ...message }),
      identityOf: (found) => this.#identityOf(found),
    });
    this.identity = new ThreadIdentity({
      config: start.config,
      limits: this.limits,
      metrics: this.metrics,
      buckets: this.limits.memory,
      storedKeys: this.storedKeys,
      tokens: this.tokens,
      certificates: this.certificates,
      refusedCertificates: this.refusedCertificates,
    });
    this.untrustedProxy = new UntrustedProxy((address) => post({ to: 'limits', type: 'untrusted-proxy', address }));
    this.breaker = createGate({
      memory: start.breaker.memory,
      post: (message) => post({ to: 'breaker', ...message }),
      clock: createProcessClock(),
    });
    const { breaker, deadlines, metrics } = this;
    this.authorizers = new ThreadAuthorizers({ config: start.config, deadlines, metrics, breaker, log });
    this.#drained = new Set(start.targetDrains);
    this.#splitWeights = new Map(start.splitWeights);
    this.#tellOfUpstreams = (message) => post({ to: 'upstreams', ...message });
    this.#healthWatch = {
      words: new Int32Array(start.health.memory),
      aheadMs: createProcessClock()() - monotonicMs(),
      clients: new ClientIds(),
      post: this.#tellOfUpstreams,
    };
    this.names = new ThreadNames({ post: this.#tellOfUpstreams, nowMs: monotonicMs, random });
    this.clients = new SharingClients(start.config);
    this.streams = new Streams(this.clients, start.config.server.maxStreams, () =>
      this.metrics.add(THREAD.streamsRefused),
    );
    this.clientsInFlight = new ClientsInFlight(
      this,
      new ClientCounts(start.concurrency.clients, start.slot),
      start.config.server,
    );
    this.#shedding = new LoopShedding(start.config.server.shedLoopLagMs);
    this.shedding = this.#shedding.isOn ? this.#shedding : undefined;
    this.rooms = new ThreadRooms({ ...start, clients: this.clients });
    this.websockets = new ThreadWebSockets({
      ...start,
      clock: monotonicMs,
      wallClock: wallClockMs,
      random,
      metrics: this.metrics,
      accessLog: this.accessLog,
      onFault: (error, requestId) => log.error({ err: error, request_id: requestId }, 'a WebSocket failed'),
      most: () => this.config.server.maxWebSockets,
      gates: new MessageGates(this.limits, monotonicMs),
    });
    this.table = this.#tableOf(start.config, {
      breaker: start.breaker.places,
      health: start.health.places,
      targetSets: start.targetSets,
      concurrency: start.concurrency.rows,
    });
    this.#identifyBy(start.config);
    this.#degraded = start.degraded;
    this.#beats = new Int32Array(start.heartbeats);
    this.#slot = start.slot;
  }

  /** A request has come: everything that is done for it until its end belongs to this exchange. */
  open(client: ClientSide): Exchange {
    const exchange = new Exchange(this, client);
    this.#inFlight++;
    exchange.previous = this.#newest;
    if (this.#newest !== undefined) this.#newest.next = exchange;
    this.#newest = exchange;
    return exchange;
  }

  get tellsAttempts(): boolean {
    return this.config.server.debugHeaders;
  }

  get mergesSlashes(): boolean {
    return this.config.server.mergeSlashes;
  }

  get passesAmbiguous(): boolean {
    return this.config.server.passesAmbiguousFields;
  }

  /** The first of the list of exchanges under way. */
  get newest(): LinkedExchange | undefined {
    return this.#newest;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Over the cap of exchanges, or the connection is one too many: then the refusal sheds it. */
  isOverloaded(address: string): boolean {
    return this.#inFlight > this.config.server.maxInFlight || this.front?.isBeyondCap(address) === true;
  }

  /** What the front knows to be degraded. */
  set degraded(reasons: readonly string[]) {
    this.#degraded = reasons;
  }

  healthBody(): string {
    const reasons = this.limits.degraded === '' ? this.#degraded : [...this.#degraded, this.limits.degraded];
    if (reasons.length === 0) return '{"status":"ok"}\n';
    return `${JSON.stringify({ status: 'degraded', reasons })}\n`;
  }

  /** Forwards the exchange once this turn of the loop has brought what it has of the request's body. */
  sendSoon(exchange: AwaitingBody): void {
    this.#waitingForBody.push(exchange);
    if (this.#waitingForBody.length > 1) return;
    setImmediate(() => {
      const waiting = this.#waitingForBody;
      this.#waitingForBody = [];
      for (const each of waiting) {
        try {
          each.onBodyBegins();
        } catch (error) {
          each.onFault(error);
        }
      }
    });
  }

  onExchangeOver(exchange: LinkedExchange): void {
    const { previous, next } = exchange;
    if (previous !== undefined) previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    // uWS may keep a closure of this exchange until its client has sent all of a body: it must not keep the others too.
    exchange.previous = undefined;
    exchange.next = undefined;
    this.#inFlight--;
    this.activity++;
  }

  /** From the front. */
  onUpstreams(message: ToUpstreamThread | NewTargets | NewDrains | NewSplits): void {
    if (message.type === 'targets') this.table.retarget(message);
    else if (message.type === 'drains') {
      this.#drained = new Set(message.keys);
      this.table.drain(this.#drained);
    } else if (message.type === 'splits') {
      this.#splitWeights = new Map(message.weights);
      this.table.weighSplits(this.#splitWeights);
    } else this.names.receive(message);
  }

  /** A client has connected. */
  onConnection(): void {
    this.activity++;
    this.metrics.add(THREAD.connectionsAccepted);
  }

  apply(config: Config, places: Places, rows: MetricRows): void {
    this.metrics.configure(rows);
    this.limits.apply(config);
    this.#identityOf = storedIdentities(config.identities);
    this.storedKeys.forgetAll();
    this.tokens.apply(config);
    this.certificates.configure(config.identities.cacheEntries);
    this.identity.apply(config);
    this.authorizers.apply(config);
    this.#identifyBy(config);
    this.clients.apply(config);
    this.clientsInFlight.configure(config.server);
    this.streams.configure(config.server.maxStreams);
    this.rooms.apply(config, places.concurrency);
    this.#shedding.configure(config.server.shedLoopLagMs);
    this.shedding = this.#shedding.isOn ? this.#shedding : undefined;
    this.table = this.#tableOf(config, places, this.table);
    this.websockets.apply(this.table.sockets, config.server.drainTimeoutMs);
    this.config = config;
    this.accessLog.configure(config.accessLog);
  }

  #tableOf(config: Config, places: Places, previous?: RoutingTable): RoutingTable {
    const { authorizers, clients, deadlines, identity, limits, metrics, names, rooms, streams } = this;
    const post = this.#tellOfUpstreams;
    const of = {
      breakerPlaces: places.breaker,
      healthPlaces: places.health,
      healthWatch: this.#healthWatch,
      targetSets: places.targetSets,
      drained: this.#drained,
      splitWeights: this.#splitWeights,
    };
    const options = {
      ...of,
      authorizers,
      clients,
      deadlines,
      identity,
      limits,
      metrics,
      names,
      post,
      random,
      rooms,
      streams,
    };
    return new RoutingTable(config, previous === undefined ? options : { ...options, previous });
  }

  #identifyBy(config: Config): void {
    this.identifying = new Set([...identifyingFields(config.limits.key), ...credentialFields(config)]);
  }

  /** Every TICK_MS. */
  tick(): void {
    const nowMs = monotonicMs();
    this.deadlines.tick(nowMs);
    this.websockets.tick(nowMs);
    this.rooms.tick(nowMs);
    this.table.tick(nowMs);
    this.authorizers.tick(nowMs);
    this.breaker.tick();
    if (nowMs - this.#uploadsKeptMs >= UPLOAD_KEEPALIVE_MS) {
      this.#uploadsKeptMs = nowMs;
      for (const upload of this.uploads) upload.keepUploadAlive();
    }
    this.streams.tick();
    this.#slowReaders.tick(nowMs, this.#newest);
    this.front?.tick(nowMs);
    this.accessLog.flush();
    this.#countTick(nowMs);
    this.beat();
  }

  #countTick(nowMs: number): void {
    if (this.#tickedMs >= 0) {
      const lateMs = Math.max(0, nowMs - this.#tickedMs - TICK_MS);
      this.metrics.addSeconds(THREAD.loopLag, lateMs / 1000);
      this.#shedding.tick(nowMs, lateMs);
    }
    this.#tickedMs = nowMs;
    if (nowMs - this.#heapReadMs < HEAP_EVERY_MS) return;
    this.#heapReadMs = nowMs;
    this.metrics.set(THREAD.streams, this.streams.count);
    this.metrics.set(THREAD.heapUsedBytes, getHeapStatistics().used_heap_size); // of this thread; memoryUsage is of the process
  }

  /** Writes this thread's row of the shared memory. */
  beat(): void {
    const set = (field: Parameters<typeof heartbeatIndex>[1], value: number): void => {
      Atomics.store(this.#beats, heartbeatIndex(this.#slot, field), value);
    };
    set('inFlight', this.#inFlight);
    set('openConnections', this.front?.open ?? 0);
    set('draining', this.draining ? 1 : 0);
    set('shedPercent', Math.round(this.#shedding.percent));
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
    this.websockets.close();
    this.table.destroy();
    this.names.close();
    this.tokens.close();
    this.accessLog.flush();
    return cut;
  }
}
