import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { OUTCOME, outcomeOfStatus, type Outcome as BreakerOutcome } from '../../shared/breaker/outcome.ts';
import { monotonicMs } from '../../shared/clock.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { isSaneRequestId } from '../../shared/http/field.ts';
import { classifyMethod } from '../../shared/http/method.ts';
import { forwardPath, type CompiledRoute } from '../../shared/http/router.ts';
import { isCleanQuery, normalizePath } from '../../shared/http/target.ts';
import type { Decision, Waiter } from '../../shared/limits/decision.ts';
import { rateLimitFields } from '../../shared/limits/rate-limit-headers.ts';
import { UPSTREAM } from '../../shared/metrics/layout.ts';
import { Answer } from './answer.ts';
import { BodyIntake } from './body-intake.ts';
import { ASK, isProbe, REFUSE, UNTRACKED } from './breaker/gate.ts';
import { forwardedByClient, forwardedByProxy } from './forwarded-fields.ts';
import type { RouteLimit } from './limits/thread-limits.ts';
import { NO_ROUTE_START, PROBE_START } from './metrics/count-exchange.ts';
import { breakerOutcome, type Outcome } from './outcome.ts';
import { recordExchange } from './record.ts';
import type { RequestHead } from './request-head.ts';
import type { RequestThread } from './request-thread.ts';

/** The pseudonym in Via (RFC 9110, section 7.6.3). */
const VIA = '1.1 api-gateway';

/** The Allow of a 405 for a method that no route can take (RFC 9110, section 15.5.6, demands the field). */
const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * One request and its answer, from the client's header to the last byte back. Its life reads from top to bottom:
 *
 *   guard → route → identify → limit → breaker → forward → answer → record
 *
 * A stage that has to wait returns; what it waited for calls the next one. Nothing here may throw into uWebSockets.js,
 * which would abort the process: RequestThread.handle and the callbacks given to uWS catch, and end in onFault.
 */
export class Exchange extends BodyIntake implements Waiter {
  readonly answer: Answer;
  path = '';
  requestId = '';
  client = '';
  /** Name of the client's buckets, once its limits are looked at. */
  limitClient = '';
  /** The thread's list of exchanges in flight. */
  previous: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;
  #breakerToken = UNTRACKED;

  constructor(thread: RequestThread, res: HttpResponse) {
    super(thread);
    this.answer = new Answer(this, res);
  }

  /** Runs inside uWS's handler: everything the request says must be taken from `req` before this returns. */
  start(req: HttpRequest): void {
    const { head } = this.thread;
    if (!this.#guard(req, head)) return;
    if (isProbePath(this.path)) {
      this.answer.probe(this.path);
      return;
    }
    if (!this.#admit(head)) return;
    this.#identify(head);
    if (head.contentLength > 0 || head.chunked) this.expectBody(head);
    this.#limit(head);
    this.starting = false;
  }

  /** 400, 405, 431: refuses what is not HTTP as RFC 9110 and 9112 want it, before anything else looks at it. */
  #guard(req: HttpRequest, head: RequestHead): boolean {
    const { answer, thread } = this;
    this.method = req.getCaseSensitiveMethod();
    const url = req.getUrl();
    const query = req.getQuery() ?? '';
    head.read(req);
    this.chunkedBody = head.chunked;
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
    this.forwardTarget = query === '' ? '' : `?${query}`;
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
      this.refuseLongBody();
      return false;
    }
    return true;
  }

  #take(route: CompiledRoute): void {
    this.route = route.config;
    this.stagesOfRoute = this.thread.table.stagesOf(route.config);
    this.forwardTarget = forwardPath(route, this.path) + this.forwardTarget;
  }

  /** Who asks, and what the upstream is told about it. */
  #identify(head: RequestHead): void {
    const { thread } = this;
    const { trustedProxies } = thread.table;
    this.host = head.host;
    if (!head.ascii) this.headEncoding = 'utf8';
    const peer = { address: this.client, scheme: thread.scheme };
    const own = `x-request-id: ${this.requestId}\r\nvia: ${head.via === undefined ? VIA : `${head.via}, ${VIA}`}\r\n`;
    if (trustedProxies.empty || !trustedProxies.isTrusted(this.client)) {
      this.fields = head.fields + forwardedByClient(head, peer) + own;
      return;
    }
    const forwarded = forwardedByProxy(head, peer, trustedProxies);
    this.client = forwarded.client;
    this.fields = head.fields + forwarded.fields + own;
  }

  /** Nothing has ended the exchange since it asked whether it may go on. */
  get #isDeciding(): boolean {
    return this.stage === 'deciding' || this.stage === 'limit' || this.stage === 'breaker';
  }

  /** 403, or neither asked nor limited, for those of whom an operator said so. @returns whether that decided it */
  #override(): boolean {
    const { overrides, keys } = this.thread.limits;
    const override = overrides.find(this.limitClient, keys.nameOfAddress(this.client));
    if (override === undefined) return false;
    if (override.state === 'EXEMPT') {
      this.#checkBreaker();
      return true;
    }
    this.answer.extraFields = `retry-after: ${Math.ceil(override.remainingMs / 1000)}\r\n`;
    this.#refuse('client_banned');
    return true;
  }

  /** 429, 503: one token from each of the client's buckets, or none. */
  #limit(head: RequestHead): void {
    const { limits } = this.thread;
    const { limit } = this.stages;
    if (limit === undefined && limits.overrides.isEmpty) return this.#checkBreaker();
    head.clientAddress = this.client;
    const client = limits.keys.nameOf(head);
    this.limitClient = client;
    if (!limits.overrides.isEmpty && this.#override()) return;
    if (limit === undefined) return this.#checkBreaker();
    if (limits.isExempt(this.client, client)) return this.#checkBreaker();
    const decision = limits.limiter.request(client, limit.lane, this);
    if (decision === undefined) this.stage = 'limit';
    else this.onDecision(decision);
  }

  onDecision(decision: Decision): void {
    if (!this.#isDeciding) return; // the client left, or sent too much, while the store was asked
    try {
      const limit = this.stages.limit as RouteLimit;
      const granted = decision.outcome === 'granted';
      if (limit.shadow && !granted) this.thread.limits.shadow.refused(this.routeConfig.name);
      // Who is let through is not told to come back later.
      const told: Decision = limit.shadow ? { ...decision, outcome: 'granted' } : decision;
      this.answer.extraFields = rateLimitFields(told, limit.headers);
      if (granted || limit.shadow) this.#checkBreaker();
      else if (decision.outcome === 'refused') {
        this.thread.limits.refused.add(this.limitClient);
        this.#refuse('rate_limited');
      } else this.#refuse('limits_unavailable');
    } catch (error) {
      this.onFault(error);
    }
  }

  /** 503: whether the upstream is called at all. */
  #checkBreaker(): void {
    const { breakerSlot } = this.stages;
    if (breakerSlot === 0) return this.send();
    const token = this.thread.breaker.check(breakerSlot);
    if (token !== ASK) return this.#onBreaker(token);
    this.stage = 'breaker';
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
    const { breakerSlot } = this.stages;
    if (!this.#isDeciding) {
      if (token !== REFUSE) breaker.outcome(breakerSlot, token, OUTCOME.IGNORED);
      return;
    }
    if (token < 0) this.#countGate(token);
    if (token !== REFUSE) {
      this.#breakerToken = token;
      return this.send();
    }
    const state = breaker.state(breakerSlot) === 'HALF_OPEN' ? 'HALF_OPEN' : 'OPEN';
    this.answer.extraFields += `retry-after: ${breaker.retryAfterSeconds(breakerSlot)}\r\nx-circuit-breaker: ${state}\r\n`;
    this.#refuse('circuit_open');
  }

  /** Whatever a gate says that is not closed; shadow refuses too, but for counting. */
  #countGate(token: number): void {
    const column = isProbe(token) ? UPSTREAM.breakerProbes : UPSTREAM.breakerRefused;
    this.thread.metrics.add(this.stages.upstream.metricsStart + column);
  }

  /** A refusal that leaves the connection as it is: a chunked body, which may come in a moment, is let end first. */
  #refuse(code: ErrorCode): void {
    if (this.hasOpenEndedBody) this.discardBody(code);
    else this.fail(code);
  }

  /** The upstream hears of what it was given, the breaker of what came of it: once. */
  #tellBreaker(outcome: BreakerOutcome): void {
    if (this.#breakerToken === UNTRACKED) return;
    this.thread.breaker.outcome(this.stages.breakerSlot, this.#breakerToken, outcome);
    this.#breakerToken = UNTRACKED;
  }

  /** The client is gone: the upstream need not go on. */
  onClientGone(): void {
    this.letGo();
    this.record('client_aborted', this.answer.status);
  }

  /** The thread is closing. */
  abandon(): void {
    this.fail('draining');
  }

  /** A fault of our own ends this exchange, and no other. */
  override onFault(error: unknown): void {
    if (this.requestId === '') this.requestId = this.thread.requestIds.next();
    this.thread.log.error({ err: error, request_id: this.requestId }, 'exchange failed');
    this.fail('internal_error');
  }

  /** A long answer must not hold a probe's permit: its header has said how the upstream is. */
  protected override onLongAnswer(status: number): void {
    if (!isProbe(this.#breakerToken)) return;
    this.#tellBreaker(outcomeOfStatus(this.stages.outcomes, status, this.upstreamMs));
  }

  /** A client that sends slower than the upstream is given to answer must not hold a probe's permit for ever. */
  override onUploadProgress(): void {
    super.onUploadProgress();
    if (!isProbe(this.#breakerToken)) return;
    const tookMs = this.thread.deadlines.nowMs - this.startedMs;
    if (tookMs > this.routeConfig.timeouts.headersMs) this.#tellBreaker(OUTCOME.IGNORED);
  }

  /** Called by the answer when nothing more will be written: counts and logs. */
  record(outcome: Outcome, status: number): void {
    // An upstream that answered before it had the whole request is not read or written any more.
    if (this.stage !== 'done') this.letGo();
    if (this.#breakerToken !== UNTRACKED) this.#tellBreaker(breakerOutcome(this, this.stages.outcomes, outcome));
    this.thread.onExchangeOver(this);
    recordExchange(this, outcome, status);
  }

  /** Where the metrics' row of its route starts. */
  get metricsStart(): number {
    if (this.stagesOfRoute !== undefined) return this.stagesOfRoute.metricsStart;
    return isProbePath(this.path) ? PROBE_START : NO_ROUTE_START;
  }

  /** Milliseconds from the request's header to the end, for when that is now: the clock is asked once, if at all. */
  tookMs(): number {
    if (this.nowMs < 0) this.nowMs = monotonicMs();
    return this.nowMs - this.startedMs;
  }
}

const isProbePath = (path: string): path is '/health' | '/ready' => path === '/health' || path === '/ready';
