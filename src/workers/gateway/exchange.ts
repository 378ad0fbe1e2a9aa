import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import {
  OUTCOME,
  outcomeOfError,
  outcomeOfStatus,
  type Outcome as BreakerOutcome,
} from '../../shared/breaker/outcome.ts';
import { monotonicMs } from '../../shared/clock.ts';
import type { RouteConfig, TimeoutsConfig } from '../../shared/config/types.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { isSaneRequestId } from '../../shared/http/field.ts';
import { clientChain } from '../../shared/http/forwarded.ts';
import { classifyMethod, isIdempotent } from '../../shared/http/method.ts';
import { forwardPath, type CompiledRoute } from '../../shared/http/router.ts';
import { isCleanQuery, normalizePath } from '../../shared/http/target.ts';
import type { Decision, Waiter } from '../../shared/limits/decision.ts';
import { limitFields } from '../../shared/limits/limit-fields.ts';
import { Answer } from './answer.ts';
import { ASK, isProbe, REFUSE, UNTRACKED } from './breaker/gate.ts';
import type { DeadlineList, Waiting } from './deadlines.ts';
import type { RouteLimit } from './limits/thread-limits.ts';
import type { RequestHead } from './request-head.ts';
import type { RequestThread } from './request-thread.ts';
import type { RouteStages } from './routing-table.ts';
import { TotalDeadline } from './total-deadline.ts';
import { Upload } from './upload.ts';
import type { Connection } from './upstream/connection.ts';
import type { Queued, Target } from './upstream/target.ts';

/** The pseudonym in Via (RFC 9110, section 7.6.3). */
const VIA = '1.1 api-gateway';

/** The Allow of a 405 for a method that no route can take (RFC 9110, section 15.5.6, demands the field). */
const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Methods whose requests are expected to have a body: they say so when it is empty (RFC 9110, section 8.6). */
const SENDS_LENGTH_ZERO: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Statuses of 500 and more that say nothing new: under an attack or an outage there is one for each request. */
const REFUSALS: ReadonlySet<Outcome> = new Set<Outcome>([
  'circuit_open',
  'limits_unavailable',
  'overloaded',
  'draining',
]);

/** Ends that the access log always has although the status does not say so. */
const FAILURES: ReadonlySet<Outcome> = new Set<Outcome>([
  'client_aborted',
  'client_stalled',
  'request_timeout',
  'upstream_reset',
  'upstream_bad_response',
  'upstream_body_timeout',
  'upstream_total_timeout',
  'internal_error',
]);

/** Bounds of throwing a body away that is too large: silence after which the client waits, and what is too much. */
const DISCARD_QUIET_MS = 100;
const DISCARD_LONGEST_MS = 5_000;
const DISCARD_MOST_BYTES = 64 * 1024 * 1024;

/** What an exchange waits for; each wait has its own time-out and its own answer when that is over. */
type Stage =
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

export type Outcome = ErrorCode | 'ok' | 'client_aborted';

/**
 * One request and its answer, from the client's header to the last byte back. Its life reads from top to bottom:
 *
 *   guard → route → identify → limit → breaker → forward → answer → record
 *
 * A stage that has to wait returns; what it waited for calls the next one. Nothing here may throw into uWebSockets.js,
 * which would abort the process: RequestThread.handle and the callbacks given to uWS catch, and end in onFault.
 */
export class Exchange implements Queued, Waiting, Waiter {
  readonly thread: RequestThread;
  readonly startedMs = monotonicMs();
  /** The way back to the client; it knows whether the client is still there. */
  readonly answer: Answer;
  method = '';
  path = '';
  requestId = '';
  client = '';
  route: RouteConfig | undefined = undefined;
  target: Target | undefined = undefined;
  /** Time from the request being sent to the end of the answer's header; -1 = none came. */
  upstreamMs = -1;
  headEncoding: 'latin1' | 'utf8' = 'latin1';

  #stage: Stage = 'deciding';
  #stagesOfRoute: RouteStages | undefined = undefined;
  #breakerToken = UNTRACKED;
  #connection: Connection | undefined = undefined;
  #upload: Upload | undefined = undefined;
  #total: TotalDeadline | undefined = undefined;
  /** Everything after the request line and Host, without the framing field. */
  #fields = '';
  #host = '';
  /** Path and query as sent, without the target's base path. */
  #forwardTarget = '';
  #sentMs = 0;
  /** The time while a read is being handled, -1 = ask the clock. */
  #nowMs = -1;
  #starting = true;
  #retried = false;
  #clientBlocked = false;
  #discardFromMs = 0;
  #discardedBytes = 0;
  #attempts = 0;

  /** The thread's list of exchanges in flight. */
  previous: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(thread: RequestThread, res: HttpResponse) {
    this.thread = thread;
    this.answer = new Answer(this, res);
  }

  /** Runs inside uWS's handler: everything the request says must be taken from `req` before this returns. */
  start(req: HttpRequest): void {
    const { head } = this.thread;
    if (!this.#guard(req, head)) return;
    if (this.path === '/health' || this.path === '/ready') {
      this.answer.probe(this.path);
      return;
    }
    if (!this.#admit(head)) return;
    this.#identify(head);
    if (head.contentLength > 0 || head.chunked) this.#expectBody(head);
    this.#limit(head);
    this.#starting = false;
  }

  /** 400, 405, 431: refuses what is not HTTP as RFC 9110 and 9112 want it, before anything else looks at it. */
  #guard(req: HttpRequest, head: RequestHead): boolean {
    const { answer, thread } = this;
    this.method = req.getCaseSensitiveMethod();
    const url = req.getUrl();
    const query = req.getQuery() ?? '';
    head.read(req);
    const { requestId } = head;
    this.requestId = requestId !== undefined && isSaneRequestId(requestId) ? requestId : thread.requestIds.next();
    if (this.method.length + url.length + query.length + head.bytes > thread.config.server.maxHeaderBytes) {
      return answer.refuse('header_too_large');
    }
    if (head.fault !== undefined) return answer.refuse('bad_request', head.fault);
    const kind = classifyMethod(this.method);
    if (kind === 'refused') {
      answer.allow = ALLOW;
      return answer.refuse('method_not_allowed', 'The gateway never takes CONNECT or TRACE.');
    }
    if (kind === 'invalid') return answer.refuse('bad_request', 'The method is not a token of upper-case letters.');
    const path = normalizePath(url);
    if (path === undefined || !isCleanQuery(query)) {
      return answer.refuse('bad_request', 'The request target is malformed, or climbs above the root.');
    }
    this.path = path;
    this.#forwardTarget = query === '' ? '' : `?${query}`;
    return true;
  }

  /** 404, 405, 413, 503: finds the route, and whether there is room. */
  #admit(head: RequestHead): boolean {
    const { answer } = this;
    const match = this.thread.table.match(head.host, this.path, this.method);
    if (match.kind === 'no_route') return answer.refuse('no_route');
    if (match.kind === 'method_not_allowed') {
      answer.allow = match.allow;
      return answer.refuse('method_not_allowed');
    }
    this.#take(match);
    this.client = answer.peerAddress();
    if (this.thread.isOverloaded(this.client)) return answer.refuse('overloaded');
    if (head.contentLength > match.config.maxBodyBytes) {
      this.#listenForBody();
      this.#discardBody();
      return false;
    }
    return true;
  }

  #take(route: CompiledRoute): void {
    this.route = route.config;
    this.#stagesOfRoute = this.thread.table.stagesOf(route.config);
    this.#forwardTarget = forwardPath(route, this.path) + this.#forwardTarget;
  }

  /** Who asks, and what the upstream is told about it. */
  #identify(head: RequestHead): void {
    const { thread } = this;
    const trusted = thread.table.trustedProxies;
    const remote = this.client;
    let forwardedFor = remote;
    let proto: string = thread.scheme;
    let { host } = head;
    if (!trusted.empty && trusted.isTrusted(remote)) {
      const chain = clientChain(remote, head.forwardedFor, trusted);
      this.client = chain.client;
      forwardedFor = chain.forwardedFor;
      if (head.forwardedProto === 'https' || head.forwardedProto === 'http') proto = head.forwardedProto;
      if (head.forwardedHost !== undefined && head.forwardedHost !== '') host = head.forwardedHost;
    }
    const via = head.via === undefined ? VIA : `${head.via}, ${VIA}`;
    this.#host = head.host;
    if (!head.ascii) this.headEncoding = 'utf8';
    this.#fields = `${head.fields}x-forwarded-for: ${forwardedFor}\r\nx-forwarded-proto: ${proto}\r\nx-forwarded-host: ${host}\r\nx-request-id: ${this.requestId}\r\nvia: ${via}\r\n`;
  }

  /** What comes of a body before the request may go out is held. */
  #expectBody(head: RequestHead): void {
    this.#upload = new Upload(this, head.contentLength);
    this.#listenForBody();
  }

  /** uWS wants to know inside its handler who takes the body. */
  #listenForBody(): void {
    this.answer.onBody((piece, last) => {
      try {
        this.#onBodyPiece(piece, last);
      } catch (error) {
        this.onFault(error);
      }
    });
  }

  #onBodyPiece(piece: ArrayBuffer, last: boolean): void {
    if (this.#stage === 'done') return;
    if (this.#stage === 'discarding') return this.#onDiscarded(piece.byteLength, last);
    const upload = this.#upload as Upload;
    if (upload.receivedBytes + piece.byteLength <= this.#route.maxBodyBytes) upload.receive(piece, last);
    else if (this.answer.started) this.#fail('body_too_large');
    else this.#discardBody();
  }

  /**
   * 413. A connection that is closed while the client still sends is reset, and the answer is lost with it: so what comes
   * is thrown away, within bounds, and the answer given when the client has finished or waits.
   */
  #discardBody(): void {
    this.#letGo();
    this.#stage = 'discarding';
    this.#discardFromMs = this.thread.deadlines.nowMs;
    this.thread.deadlines.arm(this, DISCARD_QUIET_MS);
  }

  #onDiscarded(bytes: number, last: boolean): void {
    this.#discardedBytes += bytes;
    const tookMs = this.thread.deadlines.nowMs - this.#discardFromMs;
    if (last || this.#discardedBytes > DISCARD_MOST_BYTES || tookMs > DISCARD_LONGEST_MS) this.#fail('body_too_large');
    else this.thread.deadlines.arm(this, DISCARD_QUIET_MS);
  }

  /** 429, 503: one token from each of the client's buckets, or none. */
  #limit(head: RequestHead): void {
    const { limit } = this.#stages;
    if (limit === undefined) return this.#checkBreaker();
    const { limits } = this.thread;
    head.clientAddress = this.client;
    const client = limits.keys.nameOf(head);
    if (limits.isExempt(this.client, client)) return this.#checkBreaker();
    const decision = limits.limiter.request(client, limit.lane, this);
    if (decision === undefined) this.#stage = 'limit';
    else this.onDecision(decision);
  }

  onDecision(decision: Decision): void {
    if (this.#stage === 'done') return; // the client left while the store was asked
    try {
      const limit = this.#stages.limit as RouteLimit;
      const granted = decision.outcome === 'granted';
      if (limit.shadow && !granted) this.thread.limits.shadow.refused(this.#route.name);
      // Who is let through is not told to come back later.
      const told: Decision = limit.shadow ? { ...decision, outcome: 'granted' } : decision;
      this.answer.extraFields = limitFields(told, limit.headers);
      if (granted || limit.shadow) this.#checkBreaker();
      else this.#fail(decision.outcome === 'refused' ? 'rate_limited' : 'limits_unavailable');
    } catch (error) {
      this.onFault(error);
    }
  }

  /** 503: whether the upstream is called at all. */
  #checkBreaker(): void {
    const { breakerSlot } = this.#stages;
    if (breakerSlot === 0) return this.#send();
    const token = this.thread.breaker.check(breakerSlot);
    if (token !== ASK) return this.#onBreaker(token);
    this.#stage = 'breaker';
    this.thread.breaker.ask(breakerSlot, (granted) => {
      try {
        this.#onBreaker(granted);
      } catch (error) {
        this.onFault(error);
      }
    });
  }

  #onBreaker(token: number): void {
    const { breaker } = this.thread;
    const { breakerSlot } = this.#stages;
    if (this.#stage === 'done') {
      if (token !== REFUSE) breaker.outcome(breakerSlot, token, OUTCOME.IGNORED);
      return;
    }
    if (token !== REFUSE) {
      this.#breakerToken = token;
      return this.#send();
    }
    const state = breaker.state(breakerSlot) === 'HALF_OPEN' ? 'HALF_OPEN' : 'OPEN';
    this.answer.extraFields += `retry-after: ${breaker.retryAfterSeconds(breakerSlot)}\r\nx-circuit-breaker: ${state}\r\n`;
    this.#fail('circuit_open');
  }

  /** The upstream hears of what it was given, the breaker of what came of it: once. */
  #tellBreaker(outcome: BreakerOutcome): void {
    if (this.#breakerToken === UNTRACKED) return;
    this.thread.breaker.outcome(this.#stages.breakerSlot, this.#breakerToken, outcome);
    this.#breakerToken = UNTRACKED;
  }

  /** The first piece of a body goes out with the head. */
  #send(): void {
    if (this.#upload === undefined || this.#upload.begun) return this.#forward();
    this.#stage = 'client-body';
    this.thread.sendSoon(this);
  }

  /** The first piece is here, or the loop has turned once without it: then the head goes alone, the client may wait for it. */
  onUploadBegins(): void {
    if (this.#stage === 'client-body') this.#forward();
  }

  #forward(): void {
    const { timeouts } = this.#route;
    this.#stage = 'connection';
    this.thread.deadlines.arm(this, timeouts.headersMs);
    if (timeouts.totalMs > 0 && this.#total === undefined) {
      this.#total = new TotalDeadline(() => this.#fail('upstream_total_timeout'));
      this.thread.deadlines.arm(this.#total, timeouts.totalMs);
    }
    this.#attempts++;
    this.target = this.#stages.upstream.pick();
    this.target.acquire(this);
  }

  get connectTimeoutMs(): number {
    return this.#route.timeouts.connectMs;
  }

  onConnection(connection: Connection): void {
    const { target } = connection;
    this.#connection = connection;
    connection.carry(this, this.method);
    // Sent from within start() nothing has been waited for: the clock need not be asked again.
    this.#sentMs = this.#starting ? this.startedMs : monotonicMs();
    const host = this.#route.preserveHost ? `host: ${this.#host}\r\n` : target.hostLine;
    const head = `${this.method} ${target.config.basePath}${this.#forwardTarget} HTTP/1.1\r\n${host}${this.#fields}`;
    if (this.#upload !== undefined) {
      this.#stage = 'upload';
      this.#upload.send(connection, head);
      return;
    }
    const end = SENDS_LENGTH_ZERO.has(this.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    connection.socket.write(head + end, this.headEncoding);
    this.onRequestSent(connection);
  }

  onRequestSent(connection: Connection): void {
    connection.requestSent = true;
    this.thread.uploads.delete(this);
    if (this.#stage === 'upstream-body') return; // the upstream has answered before it had all
    this.#stage = 'upstream-head';
    this.thread.deadlines.arm(this, this.#route.timeouts.headersMs);
  }

  onUploadProgress(): void {
    // An upstream that answers before it has all of the request is not silent while the client still sends.
    if (this.#stage !== 'upload' && this.#stage !== 'upstream-body') return;
    this.thread.uploads.add(this);
    this.#armBody();
  }

  onUpstreamDrain(): void {
    this.#upload?.onDrain();
  }

  keepUploadAlive(): void {
    this.#upload?.keepAlive();
  }

  onUpstreamRead(connection: Connection): void {
    if (this.#stage === 'done') return;
    try {
      if (connection.headArrived) {
        this.#nowMs = monotonicMs();
        this.upstreamMs = this.#nowMs - this.#sentMs;
        this.#stage = 'upstream-body';
      }
      if (connection.complete) this.#connection = undefined;
      else if (connection.headArrived && isProbe(this.#breakerToken)) {
        // A long answer must not hold a probe's permit: its header has said how the upstream is.
        this.#tellBreaker(outcomeOfStatus(this.#stages.outcomes, connection.parser.status, this.upstreamMs));
        this.#armBody();
      } else if (this.#stage === 'upstream-body') this.#armBody();
      this.answer.onRead(connection);
    } catch (error) {
      this.onFault(error);
    }
    this.#nowMs = -1;
  }

  #armBody(): void {
    this.thread.deadlines.arm(this, this.#route.timeouts.bodyIdleMs);
  }

  /** The client reads slower than the upstream sends; one that does not read at all must not hold the upstream for ever. */
  pauseUpstream(): void {
    this.#connection?.pause();
    this.#clientBlocked = true;
    this.#armBody();
  }

  /** The client has taken something, but not all that waits for it. */
  onClientReads(): void {
    this.#armBody();
  }

  resumeUpstream(): void {
    this.#clientBlocked = false;
    if (this.#connection === undefined) return;
    this.#armBody();
    this.#connection.resume();
  }

  onUpstreamFailed(code: ErrorCode, stale: boolean): void {
    this.#connection = undefined;
    if (this.#stage === 'done') return;
    const { upstream } = this.#stages;
    if (stale && !this.answer.started && this.#mayRepeat()) {
      this.#retried = true;
      this.#stage = 'connection';
      this.thread.deadlines.arm(this, this.#route.timeouts.headersMs);
      this.target?.acquireFresh(this);
      return;
    }
    const unsent = this.#stage === 'connection' && code !== 'upstream_queue_full';
    if (unsent && this.#attempts < upstream.targets.length) this.#forward();
    else this.#fail(code);
  }

  /** A request may go out a second time when that is as good as once, and we still have all of it. */
  #mayRepeat(): boolean {
    return !this.#retried && isIdempotent(this.method) && this.#upload?.streamed !== true;
  }

  onDeadline(): void {
    switch (this.#stage) {
      case 'connection':
        return this.#fail('upstream_connect_timeout');
      case 'discarding':
        return this.#fail('body_too_large');
      case 'client-body':
        return this.#fail('request_timeout');
      case 'upload':
        return this.#fail(this.#upload?.upstreamBlocked === true ? 'upstream_body_timeout' : 'request_timeout');
      case 'upstream-head':
        return this.#fail('upstream_headers_timeout');
      case 'upstream-body':
        return this.#fail(this.#clientBlocked ? 'client_stalled' : 'upstream_body_timeout');
      case 'deciding':
      case 'limit': // the limiter keeps its own time
      case 'breaker': // and so does the gate
      case 'done':
        return;
      default:
        return this.#stage satisfies never;
    }
  }

  /** The client is gone: the upstream need not go on. */
  onClientGone(): void {
    this.#letGo();
    this.record('client_aborted', this.answer.status);
  }

  /** The thread is closing. */
  abandon(): void {
    this.#fail('draining');
  }

  /** A fault of our own ends this exchange, and no other. */
  onFault(error: unknown): void {
    if (this.requestId === '') this.requestId = this.thread.requestIds.next();
    this.thread.log.error({ err: error, request_id: this.requestId }, 'exchange failed');
    this.#fail('internal_error');
  }

  /** Ends the exchange from our side, whatever it was doing. */
  #fail(code: ErrorCode): void {
    this.#letGo();
    if (this.answer.started) this.answer.cut(code);
    else this.answer.problem(code);
  }

  /** Releases everything but the way back to the client. */
  #letGo(): void {
    if (this.#stage === 'connection') this.target?.cancel(this);
    this.#stage = 'done';
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#upload?.discard();
    const { deadlines, uploads } = this.thread;
    deadlines.disarm(this);
    if (this.#total !== undefined) deadlines.disarm(this.#total);
    if (this.#upload !== undefined) uploads.delete(this);
  }

  #breakerOutcome(outcome: Outcome, status: number): BreakerOutcome {
    const { outcomes } = this.#stages;
    if (outcome === 'ok') return outcomeOfStatus(outcomes, status, this.upstreamMs);
    return outcome === 'client_aborted' ? OUTCOME.IGNORED : outcomeOfError(outcomes, outcome);
  }

  /** Called by the answer when nothing more will be written: counts and logs. */
  record(outcome: Outcome, status: number): void {
    // An upstream that answered before it had the whole request is not read or written any more.
    if (this.#stage !== 'done') this.#letGo();
    const { thread } = this;
    if (this.#breakerToken !== UNTRACKED) this.#tellBreaker(this.#breakerOutcome(outcome, status));
    thread.onExchangeOver(this);
    if (!thread.accessLog.wants(status >= 500 ? !REFUSALS.has(outcome) : FAILURES.has(outcome))) return;
    thread.accessLog.add({
      request_id: this.requestId,
      client: this.client,
      method: this.method,
      path: this.path,
      route: this.route?.name ?? '',
      status,
      bytes_received: this.#upload?.receivedBytes ?? 0,
      bytes_sent: this.answer.bodyBytes,
      duration_ms: round((this.#nowMs < 0 ? monotonicMs() : this.#nowMs) - this.startedMs),
      upstream_ms: round(this.upstreamMs),
      target: this.target?.config.origin ?? '',
      outcome,
    });
  }

  get #stages(): RouteStages {
    return this.#stagesOfRoute as RouteStages;
  }

  get #route(): RouteConfig & { readonly timeouts: TimeoutsConfig } {
    return this.route as RouteConfig;
  }
}

/** Milliseconds to a thousandth: a log line needs no more. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
