import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';
import type { TargetConfig, UpstreamConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { hashOf } from '../../../shared/targets/rendezvous.ts';
import { targetName } from '../../../shared/upstreams/target-name.ts';
import { UPSTREAM } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { AnswerTime } from './answer-time.ts';
import { Connection } from './connection.ts';
import type { Carried, ConnectionOwner, ConnectionSettings, Queued } from './connection.ts';
import { FairLine } from './fair-line.ts';
import type { FairClients } from './fair-line.ts';
import { hostLineOf } from './host-line.ts';
import { KnownHead } from './known-head.ts';
import { ReachReport } from './reach-report.ts';
import { PipelinedConnection } from './pipelined-connection.ts';
import { hurry, rest } from './resting.ts';
import { Relief } from './relief.ts';
import type { Sharer } from './share.ts';
import { Sharing } from './sharing.ts';
import { STREAM_AFTER_MS } from './streams.ts';
import type { Streams } from './streams.ts';
import type { TargetEjection } from './target-ejection.ts';
import type { WeighedTarget } from './target-weights.ts';
import type { ProbedTarget } from './upstream-health.ts';

const FIRST_SKIP_MS = 100;
const LONGEST_SKIP_MS = 5_000;
/** An idle connection is given up this much before the server said it would close it. */
const KEEP_ALIVE_MARGIN_MS = 500;
const STREAMS_EVERY_MS = 1_000;

/** What targets need of their upstream. */
export interface TargetOwner extends ConnectionSettings {
  /** It is no longer in the configuration. */
  readonly closing: boolean;
  readonly config: UpstreamConfig;
  readonly metrics: ThreadMetrics;
  readonly metricsStart: number;
  readonly random: () => number;
  /** To the front. */
  readonly post: (message: FromUpstreamThread) => void;
  /** Exchanges that wait for a connection of any target while none is being opened for them. */
  queued: number;
  readonly clients: FairClients;
  readonly streams: Streams;
  mayQueue(): boolean;
}

/** One server of an upstream and the connections of this thread to it. */
export class Target implements ConnectionOwner, ProbedTarget, WeighedTarget {
  readonly upstream: TargetOwner;
  readonly config: TargetConfig;
  /** Its origin with its base path. */
  readonly name: string;
  /** `host: name\r\n`, as every request to this target carries it. */
  readonly hostLine: string;
  readonly knownHead = new KnownHead();
  /** Busy connections and exchanges that wait: what the choice between targets compares. */
  pending = 0;
  /** No new exchange before this time while other targets can take it; grows with each refused connection. */
  skipUntilMs = 0;
  /** Its share of requests beside those of the others, as configured. */
  configuredWeight: number;
  /** The same, but 0 while an operator has drained it; once it has started. */
  fullWeight: number;
  /** The same now. */
  weight: number;
  readonly time = new AnswerTime();
  /** By which keys find it. */
  readonly hash: number;
  row = 0;
  healthRow = 0;
  /** `undefined` = it is never ejected. */
  ejection: TargetEjection | undefined = undefined;
  /** `undefined` = each exchange has a connection to itself. */
  readonly sharing: Sharing | undefined;
  readonly #reach: ReachReport;
  #connectFailures = 0;
  /** Its connections come to stand, and then it does not take them: only an answer says that it does. */
  #refusesLate = false;
  #connections = 0;
  #connecting = 0;
  /** Of those connecting, the ones that a retry waits for. */
  #reserved = 0;
  /** Answered, and not looked at by the loop since. */
  #resting = 0;
  #countedInUpstream = 0;
  /** Connections that carry streams. */
  #apart = 0;
  #streamsLookedMs = 0;
  readonly #idle: Connection[] = []; // used as a stack: the warmest connection first, the others age and are closed
  readonly #queue: FairLine<Queued>;
  readonly #relief: Relief;
  readonly #all = new Set<Connection>();
  #retired = false;

  constructor(upstream: TargetOwner, config: TargetConfig) {
    this.upstream = upstream;
    this.config = config;
    const { name: ofUpstream, pipelining } = upstream.config;
    this.name = targetName(config);
    this.hash = hashOf(this.name);
    this.configuredWeight = config.weight ?? 1;
    this.fullWeight = this.configuredWeight;
    this.weight = this.fullWeight;
    this.#reach = new ReachReport({ upstream: ofUpstream, target: this.name, post: upstream.post });
    this.sharing = pipelining > 1 ? new Sharing(this, pipelining) : undefined;
    this.#queue = new FairLine(this, upstream.config.connections);
    this.#relief = new Relief(this.#queue);
    this.hostLine = hostLineOf(config);
  }

  /** It is used no more: connections go as soon as they are free. */
  get closing(): boolean {
    return this.#retired || this.upstream.closing;
  }

  /** It has nothing that must go on. */
  get isOver(): boolean {
    return this.pending === 0 && this.#all.size === 0;
  }

  get clients(): FairClients {
    return this.upstream.clients;
  }

  /** Calls onConnection now or later, or onUpstreamFailed. */
  acquire(waiting: Queued): void {
    this.pending++;
    const mayStart = this.#queue.mayStart(waiting);
    if (mayStart && this.sharing !== undefined && waiting.mayShare && this.sharing.active) {
      this.sharing.add(waiting);
      return;
    }
    const idle = mayStart ? this.takeIdle() : undefined;
    if (idle === undefined) this.enqueue(waiting);
    else waiting.onConnection(idle);
  }

  /** A call has a connection. */
  hold(call: Sharer): void {
    this.#queue.hold(call);
  }

  /** It has it no longer. */
  letGo(call: Sharer): void {
    const { streams } = this.upstream;
    if (streams.count === 0 || !streams.remove(call)) this.#queue.release(call);
  }

  forEachHeld(visit: (call: Carried) => void): void {
    for (const { apart, carried } of this.#all) if (carried !== undefined && !apart) visit(carried);
  }

  /** Its client has more than a quarter, and others want some too. */
  isAboveShare(call: Sharer): boolean {
    return this.#queue.excessOf(call) >= 0;
  }

  /** A connection that rests, and has not rested too long. */
  takeIdle(): Connection | undefined {
    const nowMs = this.upstream.deadlines.nowMs;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (nowMs - idle.idleSinceMs < idle.idleLimitMs) return idle;
      idle.destroy();
    }
    return undefined;
  }

  /** It waits for a connection that is free in a moment, or for a new one. */
  enqueue(waiting: Queued): void {
    // One that is free in a moment is worth more than a new one: under load no connection is opened without need.
    const places = waiting.mayShare && this.sharing?.active === true ? this.sharing.most : 1;
    const spare = this.#soonFree * places > this.#queue.size;
    const full = this.#connections >= this.#queue.mostConnections;
    if (full && !spare && !this.upstream.mayQueue() && !this.#makeRoomFor(waiting)) return;
    this.#queue.push(waiting);
    if (this.#resting > 0) hurry();
    if (!full && !spare) this.#open(waiting.connectTimeoutMs);
    this.#countQueued();
  }

  /** The line is full: whoever has most of it gives way, or the newcomer goes. @returns whether there is room for it */
  #makeRoomFor(newcomer: Queued): boolean {
    const leaving = this.#queue.crowder(newcomer);
    this.pending--;
    if (leaving === undefined) {
      newcomer.onUpstreamFailed(this.#queue.crowds(newcomer) ? 'too_many_in_flight' : 'upstream_queue_full', false);
      return false;
    }
    this.#queue.remove(leaving);
    leaving.onUpstreamFailed('too_many_in_flight', false);
    return true;
  }

  /** Connections that will take one who waits without any exchange having to end first. */
  get #soonFree(): number {
    return this.#connecting - this.#reserved + this.#resting;
  }

  /** Like acquire, but never on a connection that was used before: for the one retry. */
  acquireFresh(waiting: Queued): void {
    this.pending++;
    this.#open(waiting.connectTimeoutMs).reservedFor = waiting;
    this.#reserved++;
  }

  /** The exchange no longer waits for a connection. */
  cancel(waiting: Queued): void {
    if (this.sharing?.remove(waiting) === true) {
      this.pending--;
      return;
    }
    if (this.#queue.remove(waiting)) {
      this.pending--;
      this.#countQueued();
      return;
    }
    for (const connection of this.#all) {
      if (connection.reservedFor !== waiting) continue;
      connection.reservedFor = undefined;
      this.#reserved--;
      this.pending--;
      return;
    }
  }

  onConnected(connection: Connection): void {
    this.#connecting--;
    this.upstream.deadlines.disarm(connection);
    this.onReached();
    connection.expiresMs = this.#expiryOf(this.upstream.deadlines.nowMs);
    const reservedFor = connection.reservedFor;
    connection.reservedFor = undefined;
    if (reservedFor === undefined) {
      this.#next(connection);
      return;
    }
    this.#reserved--;
    reservedFor.onConnection(connection);
  }

  /** A connection has come to stand, also one that is none of the pool. */
  onReached(): void {
    if (this.#refusesLate) return;
    this.#connectFailures = 0;
    this.#reach.settled();
    this.skipUntilMs = 0;
  }

  /** None has: it is left alone for a moment. */
  onUnreached(connection: Connection, code: ErrorCode): void {
    const { deadlines, metrics, metricsStart } = this.upstream;
    const skipMs = Math.min(LONGEST_SKIP_MS, FIRST_SKIP_MS * 2 ** this.#connectFailures);
    this.#connectFailures = Math.min(this.#connectFailures + 1, 16);
    this.skipUntilMs = deadlines.nowMs + skipMs;
    metrics.add(metricsStart + UPSTREAM.connectFailures);
    if (code === 'overloaded') metrics.add(metricsStart + UPSTREAM.ownShortages);
    this.#reach.failed({ code, reason: connection.failureText }, deadlines.nowMs);
    this.ejection?.notConnected(code, deadlines.nowMs);
  }

  /** One has, and then the other side ended the handshake. */
  onRefusedLate(connection: Connection, code: ErrorCode): void {
    this.#refusesLate = true;
    this.onUnreached(connection, code);
  }

  /** It has answered, so it takes our connections. */
  onTaken(): void {
    if (!this.#refusesLate) return;
    this.#refusesLate = false;
    this.onReached();
  }

  /** Spread over the last tenth of the age, or all connections of a busy start would be opened anew at once, again and again. */
  #expiryOf(nowMs: number): number {
    const { maxAgeMs } = this.upstream.config;
    return maxAgeMs === 0 ? Number.POSITIVE_INFINITY : nowMs + maxAgeMs * (1 - 0.1 * this.upstream.random());
  }

  /** The answer is complete: the connection rests, and takes the next exchange after that, or goes. */
  onAnswered(connection: Connection): void {
    connection.served++;
    this.onTaken();
    const { parser } = connection;
    const unsent = !connection.requestSent || connection.writeFailed;
    const aged = this.upstream.deadlines.nowMs >= connection.expiresMs;
    if (!parser.reusable || unsent || aged || this.closing || !this.#takeBack(connection)) {
      connection.state = 'idle'; // its exchange is no longer counted in pending
      connection.destroy();
      return;
    }
    if (parser.keepAliveTimeoutMs >= 0) {
      const statedMs = Math.max(0, parser.keepAliveTimeoutMs - KEEP_ALIVE_MARGIN_MS);
      connection.idleLimitMs = Math.min(this.upstream.config.idleMs, statedMs);
    }
    connection.state = 'resting';
    this.#resting++;
    rest(connection);
    if (this.#queue.size === 0) return;
    hurry();
    this.#countQueued();
  }

  /** The loop has looked at its socket since the answer ended, and it still stands. */
  onRested(connection: Connection): void {
    this.#resting--;
    connection.state = 'idle';
    // TLS tells of a finished write a loop turn late, so this is asked now and not when the answer ended.
    if (connection.hasUnsent) connection.destroy();
    else this.#next(connection);
  }

  /** @param how what it did before, and why it never came to stand, or was not taken, unless it was given up by us */
  onClosed(
    connection: Connection,
    how: { readonly before: Connection['state']; readonly failure: ErrorCode | undefined },
  ): void {
    this.#all.delete(connection);
    if (connection.apart) this.#apart--;
    else this.#connections--;
    this.upstream.deadlines.disarm(connection);
    if (how.before === 'connecting') this.#connecting--;
    if (how.before === 'resting') this.#resting--;
    if (how.failure !== undefined) {
      if (how.before === 'connecting') return this.#onConnectFailed(connection, how.failure);
      this.onRefusedLate(connection, how.failure);
    }
    const idleAt = this.#idle.indexOf(connection);
    if (idleAt >= 0) this.#idle.splice(idleAt, 1);
    this.serveWaiting();
  }

  /** Every tick: who waits and may have a connection gets one, and connections that have rested too long, or have come to their greatest age, are closed. */
  tick(nowMs: number): void {
    if (this.#queue.active) {
      if (this.#queue.size > 0) this.#relief.tick(nowMs, this);
      if (this.#queue.size > 0) this.serveWaiting();
      this.#queue.tick();
    }
    if (nowMs - this.#streamsLookedMs >= STREAMS_EVERY_MS) this.#setStreamsApart(nowMs);
    this.#closeAged(nowMs);
  }

  /** What has streamed for long leaves the pool, which may have another connection for it, as long as there is room for streams. */
  #setStreamsApart(nowMs: number): void {
    const { streams } = this.upstream;
    this.#streamsLookedMs = nowMs;
    for (const connection of this.#all) {
      const { carried } = connection;
      const fromMs = carried === undefined || connection.apart ? -1 : carried.streamsFromMs;
      if (carried === undefined || fromMs < 0 || nowMs - fromMs < STREAM_AFTER_MS || !streams.hasRoomFor(carried))
        continue;
      this.#queue.release(carried);
      streams.add(carried);
      connection.apart = true;
      this.#connections--;
      this.#apart++;
      this.serveWaiting();
    }
  }

  /** The stream is over: is there a place in the pool for its connection? */
  #takeBack(connection: Connection): boolean {
    if (!connection.apart) return true;
    if (this.#connections >= this.upstream.config.connections) return false;
    connection.apart = false;
    this.#apart--;
    this.#connections++;
    return true;
  }

  /** Gives connections that are free, and opens such as are missing. */
  serveWaiting(): void {
    while (this.#idle.length > 0 && this.#queue.first !== undefined) {
      const idle = this.takeIdle();
      if (idle !== undefined) this.#next(idle);
    }
    if (this.#idle.length === 0) this.#openForQueue();
  }

  #closeAged(nowMs: number): void {
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const idle = this.#idle[i];
      if (idle !== undefined && (nowMs - idle.idleSinceMs >= idle.idleLimitMs || nowMs >= idle.expiresMs)) {
        this.#idle.splice(i, 1);
        idle.destroy();
      }
    }
  }

  /** No new ones are opened. */
  retire(): void {
    this.#retired = true;
    this.#reach.settled();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) idle.destroy();
  }

  destroyAll(): void {
    for (const connection of this.#all) connection.destroy();
  }

  /** One more would have a connection at once, or soon. */
  get hasPlace(): boolean {
    const places = this.sharing?.active === true ? this.sharing.most : 1;
    return this.pending < this.#queue.mostConnections * places;
  }

  /** Some connection stands, so that waiting for one is waiting for others to be done with it. */
  get hasConnections(): boolean {
    return this.open > 0;
  }

  /** What has failed where an exchange has waited too long for a connection. */
  get missing(): ErrorCode {
    // With connections that stand it was our own queue that took so long, which says nothing bad of the upstream.
    if (this.hasConnections) return 'upstream_queue_full';
    for (const { resolving } of this.#all) if (!resolving) return 'upstream_connect_timeout';
    return this.#all.size > 0 ? 'upstream_unresolved' : 'upstream_connect_timeout';
  }

  /** Connections that stand. */
  get open(): number {
    return this.#connections + this.#apart - this.#connecting;
  }

  get idle(): number {
    return this.#idle.length + this.#resting;
  }

  #next(connection: Connection): void {
    const waiting = this.#queue.first;
    if (waiting !== undefined) {
      if (waiting.mayShare && this.sharing?.active === true) this.sharing.fill(connection, this.#queue);
      else this.#queue.shift()?.onConnection(connection);
      this.#countQueued();
      return;
    }
    if (this.closing) {
      connection.destroy();
      return;
    }
    connection.state = 'idle';
    connection.idleSinceMs = this.upstream.deadlines.nowMs;
    this.#idle.push(connection);
  }

  #open(timeoutMs: number): Connection {
    this.#connections++;
    this.#connecting++;
    const connection = this.sharing === undefined ? new Connection(this) : new PipelinedConnection(this, this.sharing);
    this.#all.add(connection);
    this.upstream.deadlines.arm(connection, timeoutMs);
    return connection;
  }

  #openForQueue(): void {
    const most = this.#queue.mostConnections;
    while (this.#soonFree < this.#queue.size && this.#connections < most) {
      const { first } = this.#queue;
      if (first === undefined) return;
      this.#open(first.connectTimeoutMs);
    }
  }

  #onConnectFailed(connection: Connection, code: ErrorCode): void {
    this.onUnreached(connection, code);
    const { reservedFor } = connection;
    if (reservedFor !== undefined) {
      connection.reservedFor = undefined;
      this.#reserved--;
      this.pending--;
      reservedFor.onUpstreamFailed(code, false);
    }
    // An attempt is made for one of those who wait, and with it the one who has waited longest goes: what stands here may
    // be busy for long (a server that shuts down). With no connection left, none that waits has hope here.
    const one = reservedFor === undefined && this.#queue.size > this.#soonFree ? 1 : 0;
    const leaving: Queued[] = [];
    for (let left = this.#connections === 0 ? this.#queue.size : one; left > 0; left--) {
      leaving.push(this.#queue.shiftAny() as Queued);
    }
    this.#countQueued();
    this.pending -= leaving.length;
    for (const each of leaving) each.onUpstreamFailed(code, false);
    this.#openForQueue(); // those behind them may try now
  }

  /** Tells the upstream how many wait here beyond those for whom a connection is about to be free. */
  #countQueued(): void {
    const beyond = Math.max(0, this.#queue.size - this.#soonFree);
    this.upstream.queued += beyond - this.#countedInUpstream;
    this.#countedInUpstream = beyond;
  }
}
