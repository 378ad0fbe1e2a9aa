import { monotonicMs } from '../../shared/clock.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { isIdempotent } from '../../shared/http/method.ts';
import { UPSTREAM } from '../../shared/metrics/layout.ts';
import type { Answer } from './answer.ts';
import type { DeadlineList, Waiting } from './deadlines.ts';
import { statusClass } from './metrics/count-exchange.ts';
import type { RequestThread } from './request-thread.ts';
import type { RouteStages } from './routing-table.ts';
import { TotalDeadline } from './total-deadline.ts';
import type { Upload } from './upload.ts';
import type { Connection } from './upstream/connection.ts';
import type { Queued, Target } from './upstream/target.ts';

/** Methods whose requests are expected to have a body: they say so when it is empty (RFC 9110, section 8.6). */
const SENDS_LENGTH_ZERO: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** How many body time-outs a client may take to make room for more of its answer. */
const CLIENT_PATIENCE = 10;

/** What an exchange waits for; each wait has its own time-out and its own answer when that is over. */
export type Stage =
  | 'deciding'
  | 'discarding'
  | 'limit'
  | 'breaker'
  | 'client-body'
  | 'connection'
  | 'upload'
  | 'upstream-head'
  | 'upstream-body'
  | 'done';

/**
 * The upstream's side of an exchange: a connection, the request on it, the answer from it, and the time-outs of all that.
 * A base class rather than a part, because every request would make one more object.
 */
export abstract class Forwarding implements Queued, Waiting {
  readonly thread: RequestThread;
  readonly startedMs = monotonicMs();
  /** The way back to the client; it knows whether the client is still there. */
  abstract readonly answer: Answer;
  method = '';
  route: RouteConfig | undefined = undefined;
  target: Target | undefined = undefined;
  /** Time from the request being sent to the end of the answer's header; -1 = none came. */
  upstreamMs = -1;
  /** Status of the upstream's answer; 0 = none yet. */
  upstreamStatus = 0;
  headEncoding: 'latin1' | 'utf8' = 'latin1';

  protected stage: Stage = 'deciding';
  protected stagesOfRoute: RouteStages | undefined = undefined;
  protected upload: Upload | undefined = undefined;
  /** Everything after the request line and Host, without the framing field. */
  protected fields = '';
  protected host = '';
  /** Path and query as sent, without the target's base path. */
  protected forwardTarget = '';
  /** The time while a read is being handled, -1 = ask the clock. */
  protected nowMs = -1;
  /** The request is still being handled by the call that brought it. */
  protected starting = true;
  #connection: Connection | undefined = undefined;
  #total: TotalDeadline | undefined = undefined;
  #sentMs = 0;
  #retried = false;
  #clientBlocked = false;
  #attempts = 0;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(thread: RequestThread) {
    this.thread = thread;
  }

  /** A fault of our own ends this exchange, and no other. */
  abstract onFault(error: unknown): void;

  /** The client whose body is thrown away waits for its answer. */
  protected abstract onDiscardEnds(): void;

  /** The header of an answer is here, and its body will take longer than this read. */
  protected abstract onLongAnswer(status: number): void;

  /** The first piece of a body goes out with the head. */
  protected send(): void {
    if (this.upload === undefined || this.upload.begun) return this.#forward();
    this.stage = 'client-body';
    this.thread.sendSoon(this);
  }

  /** The first piece is here, or the loop has turned once without it: then the head goes alone, the client may wait for it. */
  onUploadBegins(): void {
    if (this.stage === 'client-body') this.#forward();
  }

  #forward(): void {
    const { timeouts } = this.routeConfig;
    this.stage = 'connection';
    this.thread.deadlines.arm(this, timeouts.headersMs);
    if (timeouts.totalMs > 0 && this.#total === undefined) {
      this.#total = new TotalDeadline(() => this.fail('upstream_total_timeout'));
      this.thread.deadlines.arm(this.#total, timeouts.totalMs);
    }
    this.#attempts++;
    this.target = this.stages.upstream.pick();
    this.target.acquire(this);
  }

  get connectTimeoutMs(): number {
    return this.routeConfig.timeouts.connectMs;
  }

  onConnection(connection: Connection): void {
    const { target } = connection;
    this.#connection = connection;
    connection.carry(this, this.method);
    this.#count(UPSTREAM.requests);
    // Sent from within start() nothing has been waited for: the clock need not be asked again.
    this.#sentMs = this.starting ? this.startedMs : monotonicMs();
    const host = this.routeConfig.preserveHost ? `host: ${this.host}\r\n` : target.hostLine;
    const head = `${this.method} ${target.config.basePath}${this.forwardTarget} HTTP/1.1\r\n${host}${this.fields}`;
    if (this.upload !== undefined) {
      this.stage = 'upload';
      this.upload.send(connection, head);
      return;
    }
    const end = SENDS_LENGTH_ZERO.has(this.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    connection.write(head + end, this.headEncoding);
    this.onRequestSent(connection);
  }

  onRequestSent(connection: Connection): void {
    connection.requestSent = true;
    if (this.upload !== undefined) this.thread.uploads.delete(this);
    if (this.stage === 'upstream-body') return; // the upstream has answered before it had all
    this.stage = 'upstream-head';
    this.thread.deadlines.arm(this, this.routeConfig.timeouts.headersMs);
  }

  onUploadProgress(): void {
    // An upstream that answers before it has all of the request is not silent while the client still sends.
    if (this.stage !== 'upload' && this.stage !== 'upstream-body') return;
    this.thread.uploads.add(this);
    this.#armBody();
  }

  onUpstreamDrain(): void {
    this.upload?.onDrain();
  }

  /** Every few seconds of an upload. */
  keepUploadAlive(): void {
    if (this.upload?.keepAlive(this.thread.deadlines.nowMs) === false) this.fail('request_timeout');
  }

  onUpstreamRead(connection: Connection): void {
    if (this.stage === 'done') return;
    try {
      if (connection.headArrived) {
        this.nowMs = monotonicMs();
        this.upstreamMs = this.nowMs - this.#sentMs;
        this.upstreamStatus = connection.parser.status;
        this.stage = 'upstream-body';
        this.#countAnswer();
      }
      if (connection.complete) this.#connection = undefined;
      else if (this.stage === 'upstream-body') {
        this.#armBody();
        if (connection.headArrived) this.onLongAnswer(connection.parser.status);
      }
      this.answer.onRead(connection);
    } catch (error) {
      this.onFault(error);
    }
    this.nowMs = -1;
  }

  #countAnswer(): void {
    const { metrics } = this.thread;
    const start = this.stages.upstream.metricsStart;
    metrics.add(start + UPSTREAM.responses + statusClass(this.upstreamStatus));
    metrics.addSeconds(start + UPSTREAM.duration, this.upstreamMs / 1000);
  }

  /** The request that is on the connection will have no answer. */
  #countUnanswered(): void {
    if (this.#connection !== undefined && this.upstreamStatus === 0) this.#count(UPSTREAM.responses + statusClass(0));
  }

  #count(column: number): void {
    this.thread.metrics.add(this.stages.upstream.metricsStart + column);
  }

  #armBody(): void {
    this.thread.deadlines.arm(this, this.routeConfig.timeouts.bodyIdleMs);
  }

  /** The client reads slower than the upstream sends; one that does not read at all must not hold the upstream for ever. */
  pauseUpstream(): void {
    this.#connection?.pause();
    this.#clientBlocked = true;
    this.onClientReads();
  }

  /**
   * The client has taken something, but not all that waits for it. The kernel says so only when a good part of the buffer
   * is free, so a client that reads slowly but steadily is silent for much longer than one that sends.
   */
  onClientReads(): void {
    this.thread.deadlines.arm(this, this.routeConfig.timeouts.bodyIdleMs * CLIENT_PATIENCE);
  }

  resumeUpstream(): void {
    this.#clientBlocked = false;
    if (this.#connection === undefined) return;
    this.#armBody();
    this.#connection.resume();
  }

  onUpstreamFailed(code: ErrorCode, stale: boolean): void {
    this.#countUnanswered();
    this.#connection = undefined;
    if (this.stage === 'done') return;
    const { upstream } = this.stages;
    if (stale && !this.answer.started && this.#mayRepeat()) {
      this.#retried = true;
      this.#count(UPSTREAM.retries);
      this.stage = 'connection';
      this.thread.deadlines.arm(this, this.routeConfig.timeouts.headersMs);
      this.target?.acquireFresh(this);
      return;
    }
    const unsent = this.stage === 'connection' && code !== 'upstream_queue_full';
    if (unsent && this.#attempts < upstream.targets.length) this.#forward();
    else this.fail(code);
  }

  /** A request may go out a second time when that is as good as once, and we still have all of it. */
  #mayRepeat(): boolean {
    return !this.#retried && isIdempotent(this.method) && this.upload?.streamed !== true;
  }

  onDeadline(): void {
    switch (this.stage) {
      case 'connection':
        // With connections that stand it was our own queue that took so long, which says nothing bad of the upstream.
        return this.fail(this.target?.hasConnections === true ? 'upstream_queue_full' : 'upstream_connect_timeout');
      case 'discarding':
        return this.onDiscardEnds();
      case 'client-body':
        return this.fail('request_timeout');
      case 'upload':
        return this.fail(this.upload?.upstreamBlocked === true ? 'upstream_body_timeout' : 'request_timeout');
      case 'upstream-head':
        return this.fail('upstream_headers_timeout');
      case 'upstream-body':
        return this.fail(this.#clientBlocked ? 'client_stalled' : 'upstream_body_timeout');
      case 'deciding':
      case 'limit': // the limiter keeps its own time
      case 'breaker': // and so does the gate
      case 'done':
        return;
      default:
        return this.stage satisfies never;
    }
  }

  /** Ends the exchange from our side, whatever it was doing. */
  protected fail(code: ErrorCode): void {
    this.letGo();
    if (this.answer.started) this.answer.cut(code);
    else this.answer.problem(code);
  }

  /** Releases everything but the way back to the client. */
  protected letGo(): void {
    if (this.stage === 'connection') this.target?.cancel(this);
    this.stage = 'done';
    this.#countUnanswered();
    this.#connection?.destroy();
    this.#connection = undefined;
    this.upload?.discard();
    const { deadlines, uploads } = this.thread;
    deadlines.disarm(this);
    if (this.#total !== undefined) deadlines.disarm(this.#total);
    if (this.upload !== undefined) uploads.delete(this);
  }

  protected get stages(): RouteStages {
    return this.stagesOfRoute as RouteStages;
  }

  protected get routeConfig(): RouteConfig {
    return this.route as RouteConfig;
  }
}
