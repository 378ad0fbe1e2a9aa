import { monotonicMs } from '../../../shared/clock.ts';
import type { RouteConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { isIdempotent } from '../../../shared/http/method.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { retryColumn, UPSTREAM } from '../../../shared/metrics/layout.ts';
import type { RetryReason } from '../../../shared/metrics/layout.ts';
import type { DeadlineList, Deadlines, Waiting } from '../deadlines.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { statusClass } from '../metrics/status-class.ts';
import type { PlacedCall, Ticket } from '../overload/ticket.ts';
import type { UpstreamRoom } from '../overload/upstream-room.ts';
import type { Keyed } from '../upstream/balance-key.ts';
import type { Connection, Queued } from '../upstream/connection.ts';
import type { Share, Sharer } from '../upstream/share.ts';
import type { Asking } from '../upstream/target-ejection.ts';
import type { Target } from '../upstream/target.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { LEAST_PACED_MS, LEAST_WINDOW_BYTES, RATE_WINDOW_MS } from './least-rate.ts';
import { isWhole, mayComeTwice, MOST_RETRY_AFTER_MS, pauseMs, repeatReason, retryAfterMs } from './repeat-rule.ts';
import type { RequestBody } from './request-body.ts';
import { TotalDeadline } from './total-deadline.ts';

/** Methods whose requests are expected to have a body: they say so when it is empty (RFC 9110, section 8.6). */
const SENDS_LENGTH_ZERO: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** How many body time-outs a client may take to make room for more of its answer. */
const CLIENT_PATIENCE = 10;

/** All that a call knows of the exchange it is made for: the request, and whom to tell. */
export interface CallOwner {
  readonly deadlines: Deadlines;
  readonly metrics: ThreadMetrics;
  readonly startedMs: number;
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  /** Name of the client's buckets; '' where none are looked at. */
  readonly limitClient: string;
  /** Whom it is from, as the circuit breaker names clients. */
  readonly breakerClient: string;
  /** Who has proved who he is; '' = nobody has. */
  readonly consumer: string;
  /** Who goes first where not all can. */
  readonly priority: Priority;
  readonly method: string;
  /** Path and query, without the target's base path. */
  readonly forwardTarget: string;
  readonly host: string;
  /** Everything after the request line and Host, without the framing field. */
  readonly fields: string;
  readonly encoding: 'latin1' | 'utf8';
  readonly body: RequestBody | undefined;
  readonly routeConfig: Pick<RouteConfig, 'timeouts' | 'preserveHost' | 'retries'>;
  readonly stages: { readonly upstream: Upstream };
  /** Some byte of the answer has been given to the client. */
  readonly answerStarted: boolean;
  /** Body bytes of the answer given to the client's side. */
  readonly bytesSent: number;
  /** A 1xx has reached the client: the upstream has seen the request. */
  readonly informed: boolean;
  /** The request is still being handled by the call that brought it. */
  readonly starting: boolean;
  /** Its request may stand behind others on a connection, and be sent again. */
  readonly mayShare: boolean;
  /** Bytes that the client's socket has not taken. */
  unsentBytes(): number;
  /** The header of an answer is here, and its body will take longer than this read. */
  onLongAnswer(status: number, tookMs: number): void;
  /** One read was parsed; the connection's fields say what it brought. */
  onUpstreamRead(connection: Connection): void;
  onInformational(statusLine: string, fields: string): void;
  /** Some of the request's body went out, and more is to come. */
  onUploading(): void;
  /** What becomes of it is what a breaker waits for: it is sent once. */
  readonly probes: boolean;
  /** It may be sent once more: what this attempt says of the upstream is to be told. @param code undefined: its answer's status says it */
  onAttemptFailed(code: ErrorCode | undefined): void;
  /** @param attempt how many-th it is. @returns whether it may be made: never while the breaker is not closed */
  mayAttempt(attempt: number): boolean;
  onCallFailed(code: ErrorCode): void;
  onFault(error: unknown): void;
}

/** What a call waits for; each wait has its own time-out and its own answer when that is over. */
type Stage = 'place' | 'connection' | 'upload' | 'upstream-head' | 'upstream-body' | 'pause' | 'done';

/**
 * One request on an upstream's connection: the connection, the request on it, the answer from it, the attempts, and the
 * time-outs of all that. Made when forwarding begins.
 */
export class UpstreamCall implements Queued, Waiting, Asking, PlacedCall {
  target: Target | undefined = undefined;
  /** Status of the upstream's answer; 0 = none yet. */
  status = 0;
  /** Status of an answer that is HTTP, but whose header we refuse; 0 = there was none. */
  refusedStatus = 0;
  /** Time from the request being sent to the end of the answer's header; -1 = none came. */
  tookMs = -1;
  trial = false;
  /** The time while a read is being handled, -1 = ask the clock. */
  nowMs = -1;
  readonly #owner: CallOwner;
  #stage: Stage = 'connection';
  #longFromMs = -1;
  #connection: Connection | undefined = undefined;
  #total: TotalDeadline | undefined = undefined;
  /** Its place among those that may be under way at the upstream, or in the line for one; undefined where none is needed. */
  #ticket: Ticket | undefined = undefined;
  #sentMs = 0;
  #retried = false;
  #clientBlocked = false;
  /** What the client had not taken when this was looked at last. */
  #unsentBytes = 0;
  /** Since when it takes too little, and what it had not taken then. */
  blockedFromMs = -1;
  #blockedBytes = 0;
  /** When the kernel was asked first, and what the client had acknowledged by then; -1 = it was not. */
  #askedMs = -1;
  #askedBytes = 0;
  #attempts = 0;
  /** Those that have failed it; undefined: none has. */
  #tried: Target[] | undefined = undefined;
  /** Something of the request was written. */
  #wasSent = false;
  /** What waits for the header of the answer is an attempt that another may follow. */
  #hasTry = false;
  /** Times that it was sent once more, within the budget. */
  #repeats = 0;

  holds = false;
  waitsIn: Share | undefined = undefined;
  heldIn: Share | undefined = undefined;
  chainPrevious: Sharer | undefined = undefined;
  chainNext: Sharer | undefined = undefined;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(owner: CallOwner) {
    this.#owner = owner;
  }

  /** Asks a target for a connection, where there is room for one more; the answer, or the failure, may come within this call. */
  start(): void {
    const { deadlines, routeConfig, stages } = this.#owner;
    const { timeouts } = routeConfig;
    this.#stage = 'connection';
    deadlines.arm(this, timeouts.headersMs);
    if (timeouts.totalMs > 0 && this.#total === undefined) {
      this.#total = new TotalDeadline(() => this.#onTotalDeadline());
      deadlines.arm(this.#total, timeouts.totalMs);
    }
    const { upstream } = stages;
    if (this.#attempts === 0 && this.retries !== undefined) upstream.retryBudget.firsts++;
    this.#attempts++;
    this.#endTrial();
    const { room } = upstream;
    if (room === undefined || this.#ticket !== undefined || this.#enter(room)) this.#askTarget();
  }

  #askTarget(): void {
    const { upstream } = this.#owner.stages;
    const other = this.#tried === undefined ? undefined : upstream.pickOther(this, this.#tried);
    this.target = other ?? upstream.pick(this);
    this.acquire(this.target);
  }

  /** @returns whether it has a place */
  #enter(room: UpstreamRoom): boolean {
    this.#stage = 'place';
    this.#ticket = room.enter(this);
    if (this.#ticket === undefined || !this.#ticket.holds) return false;
    this.#stage = 'connection';
    return true;
  }

  onPlace(): void {
    this.#stage = 'connection';
    try {
      this.#askTarget();
    } catch (error) {
      this.#owner.onFault(error);
    }
  }

  onNoPlace(code: ErrorCode): void {
    this.#fail(code);
  }

  /** The upstream has done what it is limited in, or will not. */
  #leaveRoom(): void {
    const ticket = this.#ticket;
    this.#ticket = undefined;
    ticket?.room.leave(ticket);
  }

  /** When it is sent once more; undefined: only where that is as good as once and costs no upstream anything. */
  protected get retries(): RouteConfig['retries'] {
    return this.#owner.routeConfig.retries;
  }

  /** How often the request was sent, as far as its failures are the upstream's. */
  get attempts(): number {
    return this.#repeats + 1;
  }

  /** Asks for a connection. */
  protected acquire(target: Target): void {
    target.acquire(this);
  }

  /** Asks no longer. */
  protected cancel(): void {
    this.target?.cancel(this);
  }

  /** The connection is its. */
  protected hold(): void {
    this.target?.hold(this);
  }

  /** What one read brought of the answer. */
  protected deliver(connection: Connection): void {
    this.#owner.onUpstreamRead(connection);
  }

  /** Why no connection has come in time. */
  protected get missing(): ErrorCode {
    if (this.target?.isAboveShare(this) === true) return 'too_many_in_flight';
    return this.target?.missing ?? 'upstream_connect_timeout';
  }

  /** Why no place has come in time. */
  get #missingPlace(): ErrorCode {
    const ticket = this.#ticket;
    return ticket?.line.isAboveShare(ticket) === true ? 'too_many_in_flight' : 'upstream_overloaded';
  }

  /** Ends it: the owner hears nothing more. */
  release(): void {
    if (this.#stage === 'done') return;
    this.#endTrial();
    if (this.#stage === 'connection') this.cancel();
    this.#stage = 'done';
    this.#leaveRoom();
    this.#countUnanswered();
    this.target?.letGo(this);
    this.#connection?.leave(this);
    this.#connection = undefined;
    const { deadlines } = this.#owner;
    deadlines.disarm(this);
    if (this.#total !== undefined) deadlines.disarm(this.#total);
  }

  /** Nothing of its request has been sent. */
  get waitsForConnection(): boolean {
    return this.#stage === 'connection' || this.#stage === 'place';
  }

  get mayShare(): boolean {
    return !this.#retried && this.#repeats === 0 && this.#owner.mayShare;
  }

  get address(): string {
    return this.#owner.address;
  }

  get priority(): Priority {
    return this.#owner.priority;
  }

  get request(): Keyed {
    return this.#owner;
  }

  get breakerClient(): string {
    return this.#owner.breakerClient;
  }

  get limitClient(): string {
    return this.#owner.limitClient;
  }

  get connectTimeoutMs(): number {
    return this.#owner.routeConfig.timeouts.connectMs;
  }

  onConnection(connection: Connection): void {
    const owner = this.#owner;
    const { target } = connection;
    const { body, method } = owner;
    this.#connection = connection;
    connection.carry(this, method);
    if (connection.carried === this) this.hold();
    this.#count(UPSTREAM.requests);
    // Sent from within start() nothing has been waited for: the clock need not be asked again.
    this.#sentMs = owner.starting ? owner.startedMs : monotonicMs();
    const host = owner.routeConfig.preserveHost ? `host: ${owner.host}\r\n` : target.hostLine;
    let head = `${method} ${target.config.basePath}${owner.forwardTarget} HTTP/1.1\r\n${host}${owner.fields}`;
    if (this.#repeats > 0) head += `x-request-attempt: ${this.attempts}\r\n`;
    this.#wasSent = true;
    if (body !== undefined) {
      this.#stage = 'upload';
      body.send(connection, head, owner.encoding);
      return;
    }
    const end = SENDS_LENGTH_ZERO.has(method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    connection.write(head + end, owner.encoding);
    this.onRequestSent(connection);
  }

  onRequestSent(connection: Connection): void {
    connection.requestSent = true;
    if (this.#stage !== 'connection' && this.#stage !== 'upload') return; // the upstream has answered before it had all
    this.#stage = 'upstream-head';
    if (connection.carried === this) this.#armHead();
    else this.#owner.deadlines.disarm(this); // those before it in line have their own
  }

  onFront(): void {
    this.target?.hold(this);
    this.#sentMs = monotonicMs();
    this.#armHead();
  }

  #armHead(): void {
    const { retries } = this;
    const { headersMs } = this.#owner.routeConfig.timeouts;
    const perTryMs = retries === undefined || this.#repeats >= retries.attempts ? 0 : retries.perTryMs;
    this.#hasTry = perTryMs > 0 && perTryMs < headersMs;
    this.#owner.deadlines.arm(this, this.#hasTry ? perTryMs : headersMs);
  }

  onUploadProgress(): void {
    // An upstream that answers before it has all of the request is not silent while the client still sends.
    if (this.#stage !== 'upload' && this.#stage !== 'upstream-body') return;
    this.#armBody();
    this.#owner.onUploading();
  }

  onUpstreamDrain(): void {
    this.#owner.body?.onDrain();
  }

  onInformational(statusLine: string, fields: string): void {
    if (this.#stage === 'done') return;
    try {
      this.#owner.onInformational(statusLine, fields);
    } catch (error) {
      this.#owner.onFault(error);
    }
  }

  onUpstreamRead(connection: Connection): void {
    if (this.#stage === 'done') return;
    const owner = this.#owner;
    try {
      if (connection.headArrived) {
        this.nowMs = monotonicMs();
        this.tookMs = this.nowMs - this.#sentMs;
        this.status = connection.parser.status;
        this.#stage = 'upstream-body';
        this.#countAnswer();
        this.#leaveRoom();
        if (this.status >= 500 && this.#repeatsAnswer(connection)) {
          this.nowMs = -1;
          return;
        }
      }
      if (connection.complete) {
        this.#connection = undefined;
        this.target?.letGo(this);
      } else if (this.#stage === 'upstream-body') {
        this.#armBody();
        if (connection.headArrived) {
          this.#longFromMs = owner.deadlines.nowMs;
          owner.onLongAnswer(this.status, this.tookMs);
        }
      }
      this.deliver(connection);
    } catch (error) {
      owner.onFault(error);
    }
    this.nowMs = -1;
  }

  #countAnswer(): void {
    const { metrics, stages } = this.#owner;
    const start = stages.upstream.metricsStart;
    metrics.add(start + UPSTREAM.responses + statusClass(this.status));
    metrics.addSeconds(start + UPSTREAM.duration, this.tookMs / 1000);
    if (this.status < 400) this.target?.time.note(this.tookMs);
    const row = this.target?.healthRow ?? 0;
    if (row !== 0 && this.status < 500) stages.upstream.health?.succeeded(row, this.nowMs);
    this.target?.ejection?.answered(this.status, this, this.nowMs);
  }

  /** What an error says of the target, unless its client could bring it about by what it owes or by what it asks for. */
  #judge(code: ErrorCode): void {
    const ejection = this.target?.ejection;
    if (ejection === undefined || this.status !== 0) return;
    const { body, deadlines } = this.#owner;
    const { nowMs } = deadlines;
    if (code === 'upstream_reset' && body?.ended === false) return;
    if (this.refusedStatus > 0) ejection.refused(this.refusedStatus, this, nowMs);
    else ejection.unanswered(code, this, nowMs);
  }

  #endTrial(): void {
    if (!this.trial) return;
    this.trial = false;
    this.target?.ejection?.giveUp(this.#owner.deadlines.nowMs);
  }

  /** The request that is on the connection will have no answer. */
  #countUnanswered(): void {
    if (this.#connection !== undefined && this.status === 0) this.#count(UPSTREAM.responses + statusClass(0));
  }

  #count(column: number): void {
    this.#owner.metrics.add(this.#owner.stages.upstream.metricsStart + column);
  }

  #armBody(): void {
    this.#owner.deadlines.arm(this, this.#owner.routeConfig.timeouts.bodyIdleMs);
  }

  /** The client reads slower than the upstream sends; one that does not read at all must not hold the upstream for ever. */
  pause(): void {
    if (this.#stage === 'done') return; // the answer is another one, and whoever gives it sees to its end
    this.#connection?.pause();
    this.#clientBlocked = true;
    this.#unsentBytes = this.#owner.unsentBytes();
    this.#blockedBytes = this.#unsentBytes;
    this.onClientReads();
  }

  /**
   * The client has taken something, but not all that waits for it. The kernel says so only when a good part of the buffer
   * is free, so a client that reads slowly but steadily is silent for much longer than one that sends.
   */
  onClientReads(): void {
    this.blockedFromMs = this.#owner.deadlines.nowMs;
    this.#waitForClient();
  }

  #waitForClient(): void {
    this.#owner.deadlines.arm(this, this.#owner.routeConfig.timeouts.bodyIdleMs * CLIENT_PATIENCE);
  }

  #clientTookSome(): boolean {
    const before = this.#unsentBytes;
    this.#unsentBytes = this.#owner.unsentBytes();
    return this.#unsentBytes < before;
  }

  resume(): void {
    this.#clientBlocked = false;
    this.blockedFromMs = -1;
    this.#askedMs = -1;
    if (this.#connection === undefined) return;
    this.#armBody();
    this.#connection.resume();
  }

  get streamsFromMs(): number {
    return this.#clientBlocked || this.#stage !== 'upstream-body' ? -1 : this.#longFromMs;
  }

  clientPace(nowMs: number): number {
    const { body, startedMs } = this.#owner;
    if (this.#stage === 'upload') return body === undefined ? Infinity : body.pace(nowMs, startedMs);
    if (!this.#clientBlocked || this.#stage !== 'upstream-body') return Infinity;
    const ms = nowMs - this.blockedFromMs;
    const taken = this.#blockedBytes - this.#owner.unsentBytes();
    return ms < LEAST_PACED_MS ? Infinity : Math.max(0, taken) / (ms / 1000);
  }

  /** @param unacknowledged bytes that the kernel has, and the client has not */
  onKernelLooked(nowMs: number, unacknowledged: number): void {
    if (!this.#clientBlocked || this.#stage !== 'upstream-body') return;
    const { bytesSent } = this.#owner;
    const taken = bytesSent - this.#owner.unsentBytes() - unacknowledged;
    if (this.#askedMs >= 0 && nowMs - this.#askedMs < RATE_WINDOW_MS) return;
    if (this.#askedMs >= 0 && taken - this.#askedBytes < LEAST_WINDOW_BYTES) return this.#fail('client_stalled');
    this.#askedMs = nowMs;
    this.#askedBytes = taken;
  }

  onTooSlow(): void {
    this.#fail(this.#stage === 'upload' ? 'request_timeout' : 'client_stalled');
  }

  onUpstreamFailed(code: ErrorCode, stale: boolean): void {
    this.#countUnanswered();
    this.refusedStatus = this.#connection?.parser.refusedStatus ?? 0;
    this.target?.letGo(this);
    if (this.#connection !== undefined) this.target?.serveWaiting();
    this.#connection = undefined;
    if (this.#stage === 'done') return;
    const { answerStarted, deadlines, informed, routeConfig, stages } = this.#owner;
    const { retries } = this;
    if (stale && !answerStarted && !informed && this.#mayRepeat()) {
      this.#retried = true;
      this.#count(retryColumn('stale'));
      this.#stage = 'connection';
      deadlines.arm(this, routeConfig.timeouts.headersMs);
      this.target?.acquireFresh(this);
      return;
    }
    const unsent = this.#stage === 'connection' && code !== 'upstream_queue_full' && code !== 'too_many_in_flight';
    if (unsent && this.#attempts < stages.upstream.targets.length) {
      this.#noteTried();
      return this.start();
    }
    if (this.#stage !== 'connection' && !stale) this.#judge(code);
    const reason = retries === undefined ? undefined : repeatReason(code, this.#stage === 'connection', retries);
    if (reason === undefined || !this.#repeat(reason, code)) this.#fail(code);
  }

  /** An answer that says the target does not work is not the client's yet. */
  #repeatsAnswer({ parser }: Connection): boolean {
    if (this.retries?.statuses.includes(this.status) !== true) return false;
    const waitMs = retryAfterMs(parser.fields);
    return waitMs <= MOST_RETRY_AFTER_MS && this.#repeat('status', undefined, waitMs);
  }

  /**
   * Sends the request once more if it may be: at once to another target, and where there is none after a moment to the same.
   * Attempts count one by one for breaker and ejection.
   * @param code undefined: an answer's status is the reason
   * @param leastWaitMs before it may go to the same target
   */
  #repeat(reason: RetryReason, code: ErrorCode | undefined, leastWaitMs = 0): boolean {
    const owner = this.#owner;
    if (!this.#mayBeRepeated()) return false;
    const { upstream } = owner.stages;
    const isElsewhere = upstream.pickOther(this, this.#noteTried()) !== undefined;
    const waitMs = isElsewhere ? 0 : Math.max(pauseMs(upstream.random()), leastWaitMs);
    if (Math.max(waitMs, leastWaitMs) >= this.#leftMs()) return false;
    if (!upstream.retryBudget.take()) {
      this.#count(UPSTREAM.retriesRefused);
      return false;
    }
    if (reason === 'timeout') this.#judge('upstream_headers_timeout');
    owner.onAttemptFailed(code);
    if (waitMs === 0 && !owner.mayAttempt(this.attempts + 1)) {
      upstream.retryBudget.giveBack();
      return false;
    }
    this.#count(retryColumn(reason));
    this.#beginAnew();
    if (waitMs === 0) {
      this.start();
    } else {
      this.#stage = 'pause';
      owner.deadlines.arm(this, waitMs);
    }
    return true;
  }

  #mayBeRepeated(): boolean {
    const owner = this.#owner;
    const { retries } = this;
    if (retries === undefined || this.#repeats >= retries.attempts) return false;
    if (owner.answerStarted || owner.informed || owner.probes) return false;
    return this.#wasSent ? isWhole(owner) && mayComeTwice(owner, retries) : owner.body?.streamed !== true;
  }

  #noteTried(): readonly Target[] {
    this.#tried ??= [];
    if (this.target !== undefined) this.#tried.push(this.target);
    return this.#tried;
  }

  /** Of the time for the exchange as a whole. */
  #leftMs(): number {
    const { deadlines, routeConfig } = this.#owner;
    if (this.#total === undefined) return Number.POSITIVE_INFINITY;
    return routeConfig.timeouts.totalMs - (deadlines.nowMs - this.#total.deadlineFromMs);
  }

  /** What came of the attempt is forgotten. */
  #beginAnew(): void {
    const connection = this.#connection;
    this.#endTrial();
    this.#countUnanswered();
    this.#connection = undefined;
    this.#leaveRoom();
    this.target?.letGo(this);
    // One whose answer is whole goes on by itself.
    if (connection?.carried === this) connection.leave(this);
    this.#repeats++;
    this.status = 0;
    this.refusedStatus = 0;
    this.tookMs = -1;
  }

  #goOn(): void {
    if (this.#owner.mayAttempt(this.attempts)) this.start();
    else this.#fail('circuit_open');
  }

  /** The attempt takes too long for one that another may follow; where none does it is waited for as ever. */
  #onTryOver(): void {
    const { deadlines, routeConfig } = this.#owner;
    this.#hasTry = false;
    if (this.#repeat('timeout', 'upstream_headers_timeout')) return;
    deadlines.arm(this, routeConfig.timeouts.headersMs - (this.retries?.perTryMs ?? 0));
  }

  /** A request may go out a second time when that is as good as once, and we still have all of it. */
  #mayRepeat(): boolean {
    const { body, method } = this.#owner;
    return !this.#retried && isIdempotent(method) && body?.streamed !== true;
  }

  onDeadline(): void {
    const { body } = this.#owner;
    switch (this.#stage) {
      case 'place':
        return this.#fail(this.#missingPlace);
      case 'connection':
        return this.#fail(this.missing);
      case 'upload':
        return this.#late(body?.upstreamBlocked === true ? 'upstream_body_timeout' : 'request_timeout');
      case 'upstream-head':
        return this.#hasTry ? this.#onTryOver() : this.#late('upstream_headers_timeout');
      case 'pause':
        return this.#goOn();
      case 'upstream-body':
        if (!this.#clientBlocked) return this.#fail('upstream_body_timeout');
        return this.#clientTookSome() ? this.#waitForClient() : this.#fail('client_stalled');
      case 'done':
        return;
      default:
        return this.#stage satisfies never;
    }
  }

  /** The DNS of this machine is not the upstream's doing. */
  #onTotalDeadline(): void {
    const unresolved = this.#stage === 'connection' && this.missing === 'upstream_unresolved';
    if (unresolved) this.#fail('upstream_unresolved');
    else if (this.#stage === 'place') this.#fail(this.#missingPlace);
    else if (this.#stage === 'upstream-head') this.#late('upstream_total_timeout');
    else this.#fail('upstream_total_timeout');
  }

  /** The target has the request, and gives no answer. */
  #late(code: ErrorCode): void {
    this.#judge(code);
    this.#fail(code);
  }

  #fail(code: ErrorCode): void {
    this.#owner.onCallFailed(code);
  }
}
