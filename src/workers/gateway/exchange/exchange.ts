import { OUTCOME, outcomeOfStatus } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { RouteConfig } from '../../../shared/config/types.ts';
import { ERRORS } from '../../../shared/errors.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { isAscii, isSaneRequestId } from '../../../shared/http/field.ts';
import { classifyMethod, isSafe } from '../../../shared/http/method.ts';
import { problemBody } from '../../../shared/http/problem.ts';
import { forwardPath } from '../../../shared/http/router.ts';
import type { CompiledRoute, Match } from '../../../shared/http/router.ts';
import { pathForRouting, isCleanQuery, mergeSlashes, normalizePath } from '../../../shared/http/target.ts';
import { hasLooped, VIA, VIA_OF_1_0 } from '../../../shared/http/via.ts';
import { NORMAL } from '../../../shared/overload/priority.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import type { Decision, Waiter } from '../../../shared/limits/decision.ts';
import type { OverrideState } from '../../../shared/limits/overrides.ts';
import { rateLimitFields } from '../../../shared/limits/rate-limit-headers.ts';
import { authorizerColumn, ROUTE, UPSTREAM } from '../../../shared/metrics/layout.ts';
import type { AuthorizerOutcome, AuthOutcome } from '../../../shared/metrics/layout.ts';
import type { Authorization, Denied } from '../authorize/answer.ts';
import type { AuthorizedRequest, AuthorizerAsk } from '../authorize/authorizer-ask.ts';
import type { Told } from '../authorize/question.ts';
import { REPEATED_TOLD } from '../authorize/route-authorization.ts';
import { isClosedToken } from '../breaker/closed-counts.ts';
import { ASK, isProbe, REFUSE, UNTRACKED } from '../breaker/gate.ts';
import type { GatedCall } from '../breaker/gate.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Caller } from '../identity/callers.ts';
import type { Presented } from '../identity/credentials-of-request.ts';
import type { Judgement, RouteAuthentication } from '../identity/route-authentication.ts';
import type { RouteLimit } from '../limits/thread-limits.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { ForwardingStages, RouteStages } from '../routing-table.ts';
import { preflightMethod } from '../rules/cors-rules.ts';
import type { CorsRules } from '../rules/cors-rules.ts';
import type { Detour } from '../rules/detour.ts';
import type { RouteRules } from '../rules/route-rules.ts';
import { localAnswerOf } from '../rules/rule-answer.ts';
import type { RuleAnswer } from '../rules/rule-answer.ts';
import type { LoopShedding } from '../overload/loop-shedding.ts';
import type { RouteMirror } from '../mirror/route-mirror.ts';
import type { Connection } from '../upstream/connection.ts';
import type { OwnConnection } from '../upstream/own-connection.ts';
import { judgeAnswer } from '../websocket/handshake-answer.ts';
import { judgeHandshake } from '../websocket/handshake-request.ts';
import type { Handshake } from '../websocket/handshake-request.ts';
import type { SocketRoute } from '../websocket/thread-websockets.ts';
import type { AnsweredExchange, ClientSide, HeldAnswer } from './client-side.ts';
import { countExchange, NO_ROUTE_START, PREFLIGHT_START, PROBE_START } from './count-exchange.ts';
import { forwardedByClient, forwardedByProxy } from './forwarded-fields.ts';
import type { BodyRoom } from './gathered-body.ts';
import type { LocalAnswer } from './local-answer.ts';
import { breakerOutcome } from './outcome.ts';
import type { ExchangeOutcome } from './outcome.ts';
import { isProbePath, probeAnswer } from './probes.ts';
import { beginEntry, recordExchange } from './record.ts';
import type { RecordedExchange } from './record.ts';
import { RequestBody } from './request-body.ts';
import type { BodyOwner } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import type { ExchangeThread, LinkedExchange } from './thread.ts';
import { UpgradeCall } from './upgrade-call.ts';
import type { UpgradeOwner } from './upgrade-call.ts';
import { UpstreamCall } from './upstream-call.ts';

/** The Allow of a 405 for a method that no route can take (RFC 9110, section 15.5.6, demands the field). */
const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** What an exchange does or waits for. */
type Stage =
  | 'deciding'
  | 'verifying'
  | 'limit'
  | 'share'
  | 'authorizing'
  | 'room'
  | 'breaker'
  | 'client-body'
  | 'forwarding'
  | 'discarding'
  | 'answered'
  | 'done';

/**
 * One request and its answer, from the client's header to the last byte back. Its life reads from top to bottom:
 *
 *   guard → route → identify → open → rules → authenticate → limit → share → authorize → breaker → forward → answer → record
 *
 * A stage that has to wait returns; what it waited for calls the next one. Below it are the client's side and the
 * upstream's, which know each other not at all: what passes between them passes here. Nothing here may throw into a
 * front: RequestThread.begin and every callback catch, and end in onFault.
 */
export class Exchange
  implements
    Waiter,
    UpgradeOwner,
    BodyOwner,
    AnsweredExchange,
    LinkedExchange,
    RecordedExchange,
    GatedCall,
    AuthorizedRequest
{
  readonly thread: ExchangeThread;
  readonly client: ClientSide;
  readonly startedMs = monotonicMs();
  method = '';
  /** Normalised, without the query. */
  path = '';
  forwardTarget = '';
  host = '';
  fields = '';
  encoding: 'latin1' | 'utf8' = 'latin1';
  requestId = '';
  /** Of the client, as far as it can be believed. */
  address = '';
  /** Name of the client's buckets, once its limits are looked at. */
  limitClient = '';
  /** For whom it is counted among the exchanges in flight; '' = it is not. */
  countedAs = '';
  body: RequestBody | undefined = undefined;
  call: UpstreamCall | undefined = undefined;
  starting = true;

  /** Some byte of the answer has been given to the client, or stands in its line. */
  answerStarted = false;
  /** Of the answer; 0 = none. */
  status = 0;
  /** Body bytes of the answer given to the client. */
  bytesSent = 0;
  informed = false;
  takesTrailers = false;
  answerFraming = 0;
  /** Fields that the limits and the breaker add to the answer, each line with its CRLF. */
  extraFields = '';
  /** What its route does beside forwarding; `undefined` = nothing, or no route is found yet. */
  rules: RouteRules | undefined = undefined;
  /** Fields that rules add to the answer, like these. */
  ruleFields = '';

  /** The thread's list of exchanges in flight. */
  previous: LinkedExchange | undefined = undefined;
  next: LinkedExchange | undefined = undefined;
  nextInLine: AnsweredExchange | undefined = undefined;
  heldAnswer: HeldAnswer | undefined = undefined;

  /** Who has proved who he is. */
  caller: Caller | undefined = undefined;

  /** What the route's authorizer is told of it, where there is one. */
  told: Told = NOTHING_TOLD;
  asking: AuthorizerAsk | undefined = undefined;
  authorized: AuthorizerOutcome | undefined = undefined;
  /** The authorizer's answer, which goes back to the client. */
  #denied: Denied | undefined = undefined;

  #stage: Stage = 'deciding';
  /** What it brought as proof, where the route asks for one. */
  #presented: Presented | undefined = undefined;
  /** The WebSocket it asks for, where its route has them. */
  #handshake: Handshake | undefined = undefined;
  #limited: RouteLimit | undefined = undefined;
  #route: CompiledRoute<RouteStages> | undefined = undefined;
  /** Those of its route, or of the side of it that it is on. */
  #stages: RouteStages | undefined = undefined;
  #outcome: ExchangeOutcome = 'ok';
  /** What clients are told of its maintenance, in place of what the code means. */
  #closedText: string | undefined = undefined;
  /** What every answer says of the page that asks. */
  #corsFields = '';
  #isPreflight = false;
  /** What the upstream's breaker let it pass with. */
  breakerToken = UNTRACKED;

  constructor(thread: ExchangeThread, client: ClientSide) {
    this.thread = thread;
    this.client = client;
  }

  /** The request's header is here. Everything it says must be taken from `head` before this returns; `proceed` follows. */
  start(head: RequestHead): void {
    if (!this.#guard(head)) return;
    if (isProbePath(this.path)) return this.#probe();
    if (!this.#admit(head)) return;
    this.#identify(head);
  }

  /** Whether it passes, and on: after the front has brought what it has of the body. */
  proceed(): void {
    if (this.#stage === 'deciding') this.#open();
    this.starting = false;
  }

  /** 400, 405, 431: refuses what is not HTTP as RFC 9110 and 9112 want it, before anything else looks at it. */
  #guard(head: RequestHead): boolean {
    const { thread } = this;
    this.method = head.method;
    const { requestId } = head;
    this.requestId = requestId !== undefined && isSaneRequestId(requestId) ? requestId : thread.requestIds.next();
    if (head.fault !== undefined) {
      this.path = head.path;
      this.address = this.client.peerAddress();
      return this.#refuseHead(head.faultCode, head.fault);
    }
    if (head.contentLength > 0 || head.chunked) this.body = new RequestBody(this, head.contentLength);
    const kind = classifyMethod(this.method);
    if (kind === 'refused') return this.#refuseMethod(ALLOW, 'The gateway never takes CONNECT or TRACE.');
    if (kind === 'invalid') return this.#refuseHead('bad_request', 'The method is not a token.');
    if (head.path === '*') {
      this.path = '*';
      this.#answer({ ...NO_CONTENT, close: thread.draining, allow: ALLOW });
      return false;
    }
    const { query } = head;
    const path = normalizePath(head.path);
    if (path === undefined || (query !== undefined && !isCleanQuery(query))) {
      return this.#refuseHead('bad_request', 'The request target is malformed, or climbs above the root.');
    }
    this.path = path;
    this.forwardTarget = query === undefined ? '' : `?${query}`;
    return true;
  }

  #refuseHead(code: ErrorCode, detail?: string): false {
    this.#problem(code, detail);
    return false;
  }

  #refuseMethod(allow: string, detail?: string): false {
    this.#problem('method_not_allowed', detail, allow);
    return false;
  }

  #probe(): void {
    if (this.method !== 'GET' && this.method !== 'HEAD') this.#refuseMethod('GET, HEAD');
    else if (isProbePath(this.path)) this.#answer(probeAnswer(this.path, this.thread));
  }

  /** 404, 405, 413, 503, 508: finds the route, and whether there is room. */
  #admit(head: RequestHead): boolean {
    const { thread } = this;
    const sought = pathForRouting(this.path);
    const routed = thread.mergesSlashes ? mergeSlashes(sought) : sought;
    const match = this.#find(head, routed);
    if (match.kind === 'no_route') return this.#refuseHead('no_route');
    if (match.kind === 'method_not_allowed') return this.#refuseMethod(match.allow);
    this.address = this.client.peerAddress();
    this.#route = match;
    this.#stages = match.stages;
    const { rules } = match.stages;
    this.rules = rules;
    if (rules !== undefined && rules.cors !== undefined) this.#corsFields = rules.cors.linesFor(head.fields);
    const path = rules === undefined ? forwardPath(match, this.path) : rules.pathOf(match, this.path);
    if (path === undefined) return this.#refuseHead('bad_request', 'The path cannot be rewritten.');
    this.forwardTarget = path + this.forwardTarget;
    if (thread.isOverloaded(this.address)) return this.#refuseHead('overloaded');
    if (head.via !== undefined && hasLooped(head.via)) return this.#refuseHead('loop_detected');
    if (head.query !== undefined && head.query.length > match.config.maxQueryBytes) {
      return this.#refuseHead('uri_too_long', 'The query is longer than this route takes.');
    }
    if (head.upgrade !== '' && !this.#admitHandshake(head, match.stages.websocket)) return false;
    if (head.contentLength > match.config.maxBodyBytes && rules?.answer === undefined) {
      this.#discardBody('body_too_large');
      return false;
    }
    return true;
  }

  /** A preflight goes by the method of the request that is to follow (Fetch, section 4.8). */
  #find(head: RequestHead, path: string): Match<RouteStages> {
    const { table } = this.thread;
    if (table.hasCors && this.method === 'OPTIONS') {
      const method = preflightMethod(head.fields);
      const { host, fields, query } = head;
      const match = method === undefined ? undefined : table.match({ host, method, fields, query }, path);
      if (match?.kind === 'route' && match.stages.rules?.cors !== undefined) {
        this.#isPreflight = true;
        return match;
      }
    }
    return table.match(head, path);
  }

  /** 400, 403, 426, 501, 503: whether a WebSocket that is asked for may be opened here. Where the route has none, Upgrade is ignored. */
  #admitHandshake(head: RequestHead, route: SocketRoute | undefined): boolean {
    const asked = route === undefined ? undefined : judgeHandshake(head, route.config);
    if (asked === undefined) return true;
    const { websockets } = this.thread;
    if (this.client.switchProtocols === undefined) return this.#refuseHead('websocket_unsupported');
    if ('refused' in asked) {
      if (asked.refused === 'websocket_version') this.extraFields = VERSION_FIELDS;
      return this.#refuseHead(asked.refused, asked.detail);
    }
    if (websockets.draining) return this.#refuseHead('draining');
    if (!websockets.hasRoom) return this.#refuseHead('too_many_websockets');
    this.#handshake = asked;
    return true;
  }

  /** Who asks, and what the upstream is told about it. */
  #identify(head: RequestHead): void {
    const { thread } = this;
    const { trustedProxies } = thread.table;
    this.host = head.host;
    this.encoding = head.encoding;
    const peer = { address: this.address, scheme: thread.scheme };
    const hop = head.minorVersion === 0 ? VIA_OF_1_0 : VIA;
    const via = head.via === undefined ? hop : `${head.via}, ${hop}`;
    let own = `x-request-id: ${this.requestId}\r\nvia: ${via}\r\n`;
    this.takesTrailers = head.takesTrailers;
    if (head.takesTrailers) own += 'te: trailers\r\nconnection: te\r\n';
    let forwarded: string;
    const trusted = !trustedProxies.empty && trustedProxies.isTrusted(this.address);
    if (!trusted) {
      thread.untrustedProxy.saw(this.address, head.forwardedFor);
      forwarded = forwardedByClient(head, peer);
      this.fields = head.fields + forwarded + own;
    } else {
      thread.untrustedProxy.saw(this.address, undefined);
      const byProxy = forwardedByProxy(head, peer, trustedProxies);
      this.address = byProxy.client;
      forwarded = byProxy.fields;
      this.fields = head.fields + forwarded + byProxy.claims + own;
    }
    if (this.#isPreflight) return; // nobody has said yet who he is
    const { limits } = thread;
    const { authentication, authorization } = this.stages;
    if (authorization !== undefined) {
      const taken = authorization.take(head, { forwarded, via });
      if (taken === undefined) return void this.#refuseHead('bad_request', REPEATED_TOLD);
      this.told = taken.told;
      this.fields = taken.kept + this.fields.slice(head.fields.length);
    }
    if (authentication !== undefined) {
      const presented = authentication.take(head, this, trusted);
      if (typeof presented === 'string') return void this.#refuseHead('bad_request', presented);
      this.#presented = presented;
    } else if (this.stages.limit === undefined && limits.overrides.isEmpty && !this.#limitsMessages) return;
    head.clientAddress = this.address;
    const client = limits.keys.nameOf(head);
    if (client === undefined) this.#refuseHead('bad_request', 'The credentials that name the client are malformed.');
    else this.limitClient = client;
  }

  /** It asks for a WebSocket whose messages are limited. */
  get #limitsMessages(): boolean {
    return this.#handshake !== undefined && this.stages.websocket?.messageLimit !== undefined;
  }

  /** 204, 403, 503: whether the route is open to this client at all, and to the page that asks. */
  #open(): void {
    const { rules } = this;
    if (rules !== undefined && rules.ip !== undefined && !rules.ip.takes(this.address)) {
      return this.#refuse('ip_not_allowed');
    }
    if (this.#isPreflight) return this.#answerPreflight(rules?.cors as CorsRules);
    const { maintenance } = this.thread;
    const closed = maintenance.isOn ? maintenance.closed(this.routeConfig.name, this.address) : undefined;
    if (closed === undefined) return this.#followRules();
    if (closed.text !== '') this.#closedText = closed.text;
    this.extraFields = `retry-after: ${Math.ceil(closed.remainingMs / 1000)}\r\n`;
    this.#refuse('maintenance');
  }

  /** Also while the route is under maintenance: a page may read what it is told only if its preflight went well. */
  #answerPreflight(cors: CorsRules): void {
    if (!cors.allows(this.#corsFields)) return this.#refuse('origin_not_allowed');
    this.extraFields = cors.preflightLines;
    this.#answer({ ...NO_CONTENT, status: 204, allow: undefined, close: this.closesAfter });
  }

  /** What the route does before it asks who calls; a redirect or a fixed answer ends it, whatever body is on its way. */
  #followRules(): void {
    const { rules } = this;
    if (rules === undefined) return this.#authenticate();
    const elsewhere = rules.detour?.locationFor(this);
    if (elsewhere !== undefined) this.#sendTo(elsewhere, (rules.detour as Detour).status);
    else if (rules.answer === undefined) this.#authenticate();
    else this.#answerByRule(rules.answer);
  }

  #sendTo(location: string, status: number): void {
    if (location === '') return this.#problem('bad_request', 'The request names no host to be sent to by https.');
    if (this.#refusesBanned()) return;
    this.extraFields = `location: ${location}\r\n`;
    this.#answer({ ...NO_CONTENT, status, allow: undefined, close: this.closesAfter });
  }

  #answerByRule(answer: RuleAnswer): void {
    if (this.#refusesBanned()) return;
    this.extraFields = answer.fieldsFor(this.forwardTarget);
    this.#answer(localAnswerOf(answer, this.closesAfter));
  }

  /** Also where nobody is asked who calls. */
  #refusesBanned(): boolean {
    return !this.thread.limits.overrides.isEmpty && this.#override() === 'BANNED';
  }

  /** 401, 403, 429, 503: who asks, as far as the route wants to know. */
  #authenticate(): void {
    const { authentication, limit } = this.stages;
    this.#limited = limit;
    if (authentication === undefined) return this.#limit();
    const presented = this.#presented as Presented;
    const judgement = authentication.judge(presented);
    if (judgement !== undefined) return this.#onJudged(judgement);
    const address = this.addressName();
    const refusedForMs = authentication.refusedForMs(address);
    this.#stage = 'verifying';
    const judged = (verified: Judgement | undefined): void => {
      try {
        if (verified !== undefined) this.#onJudged(verified);
        else if (this.#isDeciding) this.#refuseCaller('too_many_failures', refusedForMs);
      } catch (error) {
        this.onFault(error);
      }
    };
    if (refusedForMs > 0) authentication.verifyThere(presented, address, judged);
    else authentication.verify(presented, address, judged);
  }

  #onJudged(judgement: Judgement): void {
    if (!this.#isDeciding) return; // the client left while its credential was verified
    const authentication = this.stages.authentication as RouteAuthentication;
    if (judgement === 'none') {
      if (!authentication.anonymous) return this.#refuseCaller('credentials_missing');
    } else {
      const caller = typeof judgement === 'string' ? judgement : authentication.admit(judgement);
      if (typeof caller === 'string') return this.#refuseCaller(caller);
      this.caller = caller;
      this.fields += caller.fields;
      if (this.thread.limits.keys.namesConsumers) this.limitClient = caller.client;
      this.#limited = authentication.limits.get(caller.profile) ?? this.#limited;
    }
    authentication.count(this.#presented as Presented, 'granted');
    this.#limit();
  }

  #refuseCaller(code: Exclude<AuthOutcome, 'granted'>, retryAfterMs = 0): void {
    const authentication = this.stages.authentication as RouteAuthentication;
    authentication.count(this.#presented as Presented, code);
    if (ERRORS[code].status === 401) this.extraFields = authentication.challenge(code);
    if (retryAfterMs > 0) this.extraFields = `retry-after: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
    this.#refuse(code);
  }

  /** 403 for those of whom an operator said so. @returns what he said of the client */
  #override(): OverrideState | undefined {
    const { overrides, keys } = this.thread.limits;
    const override = overrides.find(this.limitClient, keys.nameOfAddress(this.address));
    if (override?.state === 'BANNED') {
      this.extraFields = `retry-after: ${Math.ceil(override.remainingMs / 1000)}\r\n`;
      this.#refuse('client_banned');
    }
    return override?.state;
  }

  /** 429, 503: one token from each of the client's buckets, or none; before that none where the thread is late. */
  #limit(): void {
    const { limits, shedding } = this.thread;
    if (shedding !== undefined && this.#isShedBy(shedding)) return this.#refuse('gateway_overloaded');
    const limit = this.#limited;
    if (limit === undefined && limits.overrides.isEmpty) return this.#share();
    const client = this.limitClient;
    const word = limits.overrides.isEmpty ? undefined : this.#override();
    if (word === 'BANNED') return;
    if (word === 'EXEMPT') return this.#share();
    if (limit === undefined || limits.isExempt(this.address, client)) return this.#share();
    const decision = limits.limiter.request(client, limit.lane, this);
    if (decision === undefined) this.#stage = 'limit';
    else this.onDecision(decision);
  }

  /** What is left of a thread that ends is served. */
  #isShedBy(shedding: LoopShedding): boolean {
    return shedding.refuses(this.priority) && !this.thread.draining;
  }

  addressName(): string {
    return this.thread.limits.addressName(this.address);
  }

  onDecision(decision: Decision): void {
    if (!this.#isDeciding) return; // the client left, or sent too much, while the store was asked
    try {
      const limit = this.#limited as RouteLimit;
      const granted = decision.outcome === 'granted';
      if (limit.shadow && !granted) this.thread.limits.shadow.refused(this.routeConfig.name);
      // Who is let through is not told to come back later.
      const shown: Decision = limit.shadow ? { ...decision, outcome: 'granted' } : decision;
      this.extraFields = rateLimitFields(shown, limit.headers);
      if (granted || limit.shadow) this.#share();
      else if (decision.outcome === 'refused') {
        this.thread.limits.refused.add(this.limitClient);
        this.#refuse('rate_limited');
      } else this.#refuse('limits_unavailable');
    } catch (error) {
      this.onFault(error);
    }
  }

  /** 429: whether its client has more under way than it may; where that is its own connection's, it waits for these. */
  #share(): void {
    const { clientsInFlight, inFlight } = this.thread;
    const most = this.caller === undefined ? 0 : this.caller.maxInFlight;
    if ((inFlight <= clientsInFlight.mark && most === 0) || clientsInFlight.admit(this, most)) this.#authorize();
    else if (this.heldAnswer === undefined) this.#refuse('too_many_in_flight');
    else this.#stage = 'share';
  }

  get waitsForTurn(): boolean {
    return this.#stage === 'share' || this.#stage === 'room';
  }

  onTurn(): void {
    try {
      if (this.#stage === 'share') this.#share();
      else if (this.#stage === 'room') this.#awaitRoom();
    } catch (error) {
      this.onFault(error);
    }
  }

  /** 301 to 308, 401, 403, 503: whether somebody outside the gateway lets it pass, where the route asks one. */
  #authorize(): void {
    const { authorization } = this.stages;
    if (authorization === undefined || !authorization.asks) return this.#checkBreaker();
    this.#stage = 'authorizing';
    authorization.decide(this);
  }

  onAuthorized(authorization: Authorization, known: boolean): void {
    if (!this.#isDeciding) return;
    const { outcome } = authorization;
    const { metricsStart } = this.stages;
    this.authorized = outcome;
    this.metrics.add(metricsStart + authorizerColumn(outcome));
    if (known) this.metrics.add(metricsStart + ROUTE.authorizerCacheHits);
    try {
      if (outcome === 'granted') this.#addToFields(authorization.lines);
      if (outcome === 'granted' || outcome === 'passed') return this.#checkBreaker();
      if (outcome === 'denied') {
        this.#denied = authorization;
        return this.#refuse('authorizer_denied');
      }
      if (ERRORS[authorization.code].retryAfterSeconds === undefined)
        this.extraFields += `retry-after: ${authorization.retryAfterSeconds}\r\n`;
      this.#refuse(authorization.code);
    } catch (error) {
      this.onFault(error);
    }
  }

  /** @param lines one char a byte */
  #addToFields(lines: string): void {
    if (lines === '') return;
    if (this.encoding === 'utf8' && !isAscii(lines)) {
      this.fields = utf8AsBytes(this.fields);
      this.host = utf8AsBytes(this.host);
      this.encoding = 'latin1';
    }
    this.fields += lines;
  }

  /** 503: whether the upstream is called at all, and when. */
  #checkBreaker(): void {
    const { split } = this.stages;
    if (split !== undefined) this.#stages = split.stagesFor(this);
    this.#awaitRoom();
  }

  /** Whoever has something under way on the same connection adds nothing to a line: it waits for that, and takes nobody's place. */
  #awaitRoom(): void {
    if (this.heldAnswer !== undefined && this.stages.upstream.isCrowded) this.#stage = 'room';
    else this.#passBreaker();
  }

  #passBreaker(): void {
    const { breakerPlace } = this.stages;
    if (breakerPlace === 0) return this.#forward();
    const token = this.thread.breaker.check(breakerPlace, this.breakerClient);
    if (token !== ASK) return this.#onBreaker(token);
    this.#stage = 'breaker';
    this.thread.breaker.ask(breakerPlace, this.breakerClient, (granted) => {
      try {
        this.#onBreaker(granted);
      } catch (error) {
        this.onFault(error);
      }
    });
  }

  #onBreaker(token: number): void {
    if (token !== REFUSE) this.breakerToken = token;
    if (!this.#isDeciding) return this.#tellBreaker(OUTCOME.IGNORED);
    if (!isClosedToken(token)) this.#countGate(token);
    if (token !== REFUSE) return this.#forward();
    this.#sayOpen();
    this.#refuse('circuit_open');
  }

  #sayOpen(): void {
    const { breaker } = this.thread;
    const { breakerPlace } = this.stages;
    const state = breaker.state(breakerPlace) === 'HALF_OPEN' ? 'HALF_OPEN' : 'OPEN';
    this.extraFields += `retry-after: ${breaker.retryAfterSeconds(breakerPlace)}\r\nx-circuit-breaker: ${state}\r\n`;
  }

  /** Whatever a gate says that is not closed; shadow refuses too, but for counting. */
  #countGate(token: number): void {
    const column = isProbe(token) ? UPSTREAM.breakerProbes : UPSTREAM.breakerRefused;
    this.metrics.add(this.stages.upstream.metricsStart + column);
  }

  /** A body goes out with the head, or as much of it as is gathered first: no connection waits for a client that is slow. */
  #forward(): void {
    const { body } = this;
    if (body !== undefined && !body.ended) {
      this.client.wantBody(this);
      if (!body.begun) {
        this.#stage = 'client-body';
        this.thread.uploads.add(this);
        if (!body.gather()) this.thread.sendSoon(this);
        return;
      }
    }
    this.#send();
  }

  /** Enough of it is here; or there was no room to wait for it, and the loop has turned once: then the head goes alone. */
  onBodyBegins(): void {
    if (this.#stage === 'client-body') this.#send();
  }

  onGathering(): void {
    this.#ignoreSlowProbe();
  }

  onBodyStalled(): void {
    if (this.#stage === 'client-body') this.fail('request_timeout');
  }

  #send(): void {
    this.#stage = 'forwarding';
    if (this.rules !== undefined) this.#applyFieldRules(this.rules);
    const { mirror } = this.stages;
    if (mirror !== undefined && this.#handshake === undefined) return this.#sendMirrored(mirror);
    this.call = this.#handshake === undefined ? new UpstreamCall(this) : this.#upgradeCall();
    this.call.start();
  }

  /** A copy goes out when the request has, and whatever becomes of it the request knows nothing of it. */
  #sendMirrored(mirror: RouteMirror): void {
    const copy = mirror.copyOf(this, this.thread.breaker);
    this.call = new UpstreamCall(this);
    this.call.start();
    if (copy === undefined) return;
    if (this.#stage === 'forwarding') copy.start();
    else copy.giveUp();
  }

  #upgradeCall(): UpstreamCall {
    this.fields += 'upgrade: websocket\r\nconnection: Upgrade\r\n';
    return new UpgradeCall(this, this.thread.websockets);
  }

  /** The upstream has changed to the WebSocket: the client is told, and the exchange is over. What follows is the tunnel's. */
  onSwitched(connection: OwnConnection): void {
    const agreed = judgeAnswer(connection.parser, this.#handshake as Handshake);
    if (typeof agreed === 'string') {
      this.thread.log.warn({ request_id: this.requestId, route: this.routeName, reason: agreed }, 'a 101 was refused');
      this.fail('upstream_bad_response');
      return;
    }
    const client = this.client.switchProtocols?.(this, connection.parser);
    if (client === undefined) return this.#end('client_aborted');
    this.answerStarted = true;
    this.status = 101;
    const entry = beginEntry(this);
    const { websocket } = this.stages;
    this.#release('ok');
    countExchange(this, this.thread.metrics);
    this.thread.websockets.add({
      client,
      upstream: connection.tunnelEnd(),
      reserved: agreed.reserved,
      route: websocket as SocketRoute,
      entry,
      sender: { client: this.limitClient, address: this.address },
      caller: this.caller,
    });
  }

  /** Whatever the header says by now, rules have the last word. */
  #applyFieldRules({ requestFields, answerLines }: RouteRules): void {
    if (requestFields !== undefined) {
      this.fields = requestFields.filter.without(this.fields) + requestFields.lines.of(this);
    }
    this.ruleFields = answerLines === undefined ? this.#corsFields : this.#corsFields + answerLines.of(this);
  }

  /** What one read from the upstream brought goes on to the client. */
  onUpstreamRead(connection: Connection): void {
    const { maxResponseBytes } = this.routeConfig;
    if (maxResponseBytes > 0 && this.#exceeds(maxResponseBytes, connection)) this.fail('response_too_large');
    else this.client.forward(this, connection);
  }

  /** Whether an answer says that it is larger, or is with what has come now. */
  #exceeds(bytes: number, { headArrived, parser, bodyStart, bodyEnd }: Connection): boolean {
    if (headArrived && parser.bodyKind === 'length' && parser.contentLength > bytes) return true;
    return this.bytesSent + bodyEnd - bodyStart > bytes;
  }

  onInformational(statusLine: string, fields: string): void {
    const filter = this.rules?.answerFilter;
    this.client.informational(this, statusLine, filter === undefined ? fields : filter.without(fields));
  }

  /** A long answer must not hold a probe's permit: its header has said how the upstream is. */
  onLongAnswer(status: number, tookMs: number): void {
    if (isProbe(this.breakerToken)) this.#tellBreaker(outcomeOfStatus(this.stages.outcomes, status, tookMs));
  }

  /** A client that sends slower than the upstream is given to answer must not hold a probe's permit for ever. */
  onUploading(): void {
    this.thread.uploads.add(this);
    this.#ignoreSlowProbe();
  }

  #ignoreSlowProbe(): void {
    if (!isProbe(this.breakerToken)) return;
    const tookMs = this.deadlines.nowMs - this.startedMs;
    if (tookMs > this.routeConfig.timeouts.headersMs) this.#tellBreaker(OUTCOME.IGNORED);
  }

  onUploadProgress(): void {
    this.call?.onUploadProgress();
  }

  onRequestSent(connection: Connection): void {
    this.thread.uploads.delete(this);
    this.call?.onRequestSent(connection);
  }

  /** Every few seconds of an upload. */
  keepUploadAlive(): void {
    const { body } = this;
    if (body === undefined || body.ended) return;
    this.#ignoreSlowProbe();
    const { nowMs } = this.deadlines;
    const { uploadMs } = this.routeConfig.timeouts;
    const tooLong = uploadMs > 0 && nowMs - this.startedMs > uploadMs;
    if (tooLong || !body.isFastEnough(nowMs)) this.fail('request_timeout');
    else if (!body.paused) this.client.keepUploadAlive(this);
  }

  onBodyEnds(): void {
    if (this.body !== undefined) this.body.ended = true;
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    const { body } = this;
    if (body === undefined || this.#stage === 'done' || this.#stage === 'answered') return;
    try {
      const tooLong = !body.discarding && body.receivedBytes + to - from > this.#maxBodyBytes;
      if (!tooLong) body.receive(bytes, from, to);
      else if (this.answerStarted) this.fail('body_too_large');
      else this.#discardBody('body_too_large');
    } catch (error) {
      this.onFault(error);
    }
  }

  onTrailers(lines: string): void {
    if (this.body === undefined) return;
    const filter = this.rules?.requestFields?.filter;
    const authorization = this.#route?.stages.authorization;
    const left = filter === undefined ? lines : filter.without(lines);
    this.body.trailers = authorization === undefined ? left : authorization.withoutGuarded(left);
  }

  get #maxBodyBytes(): number {
    return this.#route?.config.maxBodyBytes ?? 0;
  }

  /** A refusal that leaves the connection as it is: a chunked body, which may come in a moment, is let end first. */
  #refuse(code: ErrorCode): void {
    if (this.body?.openEnded === true) this.#discardBody(code);
    else this.fail(code);
  }

  /** The answer waits until the client has sent what nobody wants of the body, or waits itself. */
  #discardBody(code: ErrorCode): void {
    if (this.body?.ended === true) return this.fail(code);
    this.#letGo();
    this.#stage = 'discarding';
    this.body?.discard(code);
  }

  onDiscarded(code: ErrorCode): void {
    this.fail(code);
  }

  pauseBody(): void {
    this.client.pauseBody(this);
  }

  resumeBody(): void {
    this.client.resumeBody(this);
  }

  /** The client reads slower than the upstream sends. */
  onClientBlocked(): void {
    this.call?.pause();
  }

  /** It has taken something, but not all that waits for it. */
  onClientReads(): void {
    this.call?.onClientReads();
  }

  /** It takes more. */
  onClientDrained(): void {
    this.call?.resume();
  }

  get mayShare(): boolean {
    return this.body === undefined && isSafe(this.method) && !isProbe(this.breakerToken);
  }

  unsentBytes(): number {
    return this.client.unsentBytes(this);
  }

  get blockedFromMs(): number {
    return this.call?.blockedFromMs ?? -1;
  }

  socketDescriptor(): number {
    return this.client.socketDescriptor(this);
  }

  onKernelLooked(nowMs: number, unacknowledged: number): void {
    this.call?.onKernelLooked(nowMs, unacknowledged);
  }

  /** The answer has been given to the client, whole. */
  onAnswered(): void {
    this.#end(this.#outcome);
  }

  /** The client is gone: the upstream need not go on. */
  onClientGone(): void {
    this.#end('client_aborted');
  }

  onCallFailed(code: ErrorCode): void {
    if (code === 'circuit_open') this.#sayOpen();
    this.fail(code);
  }

  get probes(): boolean {
    return isProbe(this.breakerToken);
  }

  onAttemptFailed(code: ErrorCode | undefined): void {
    const { call, body } = this;
    const judged = { status: call?.status ?? 0, call, body };
    this.#tellBreaker(breakerOutcome(code ?? 'ok', judged, this.stages.outcomes));
  }

  mayAttempt(attempt: number): boolean {
    const { breakerPlace } = this.stages;
    if (breakerPlace !== 0 && !this.#passesAgain(breakerPlace)) return false;
    if (this.thread.tellsAttempts) {
      const before = this.extraFields.replace(ATTEMPTS_LINE, '');
      this.extraFields = `${before}x-gateway-attempts: ${attempt}\r\n`;
    }
    return true;
  }

  /** Only where the breaker is closed: what it lets pass beside that is one request, once. */
  #passesAgain(breakerPlace: number): boolean {
    const { breaker } = this.thread;
    if (breaker.state(breakerPlace) !== 'CLOSED') return false;
    const token = breaker.check(breakerPlace, this.breakerClient);
    if (token === REFUSE || token === ASK) return false;
    this.breakerToken = token;
    if (isClosedToken(token)) return true;
    this.#tellBreaker(OUTCOME.IGNORED);
    return false;
  }

  /** The thread is closing. */
  abandon(): void {
    this.fail('draining');
  }

  /** A fault of our own ends this exchange, and no other. */
  onFault(error: unknown): void {
    if (this.requestId === '') this.requestId = this.thread.requestIds.next();
    this.thread.log.error({ err: error, request_id: this.requestId }, 'exchange failed');
    this.fail('internal_error');
  }

  /** The front gives up a request that it has not read whole. */
  refuseUnread(code: ErrorCode): void {
    this.requestId = this.thread.requestIds.next();
    this.address = this.client.peerAddress();
    this.fail(code);
  }

  /** Ends the exchange from our side, whatever it was doing: with an answer, or by cutting the one that has begun. */
  fail(code: ErrorCode): void {
    if (this.#stage === 'done') return;
    if (!this.answerStarted) {
      this.#problem(code);
      return;
    }
    this.metrics.refused(code);
    this.#end(code); // first: to the front the cut is a client that goes
    this.client.cut(this, code);
  }

  #problem(code: ErrorCode, said?: string, allow?: string): void {
    const { requestId } = this;
    const detail = code === 'maintenance' ? this.#closedText : said;
    const { status, closes, retryAfterSeconds } = ERRORS[code];
    this.#outcome = code;
    this.metrics.refused(code);
    this.metrics.shed(code, this.priority);
    if (this.#denied !== undefined && code === 'authorizer_denied') return this.#answerDenied(this.#denied);
    this.#answer({
      status,
      type: 'application/problem+json',
      text: problemBody(code, detail === undefined ? { requestId } : { requestId, detail }),
      // What follows a CONNECT is meant for somebody else.
      close: closes || this.closesAfter || this.method === 'CONNECT',
      allow,
      retryAfterSeconds,
    });
  }

  #answerDenied({ status, lines, body }: Denied): void {
    this.extraFields += lines;
    this.#answer({ ...NO_CONTENT, status, text: body, isBytes: true, close: this.closesAfter, allow: undefined });
  }

  #answer(local: LocalAnswer): void {
    this.#letGo();
    this.#stage = 'answered';
    this.answerStarted = true;
    this.status = local.status;
    this.ruleFields = this.#corsFields + (this.rules?.ownAnswerLines?.of(this) ?? '');
    this.client.local(this, local);
  }

  /** The connection carries no further request: the thread is draining, or the rest of the body has no end that is known. */
  get drains(): boolean {
    return this.thread.draining;
  }

  get closesAfter(): boolean {
    return this.thread.draining || this.body?.openEnded === true;
  }

  /** Releases everything but the way back to the client. */
  #letGo(): void {
    this.call?.release();
    this.asking?.leave(this);
    if (this.body === undefined) return;
    this.body.release();
    this.thread.uploads.delete(this);
  }

  /** The one end of every exchange: what it holds goes back, and what became of it is told once. */
  #end(outcome: ExchangeOutcome): void {
    if (this.#stage === 'done') return;
    this.#release(outcome);
    recordExchange(this, outcome);
  }

  #release(outcome: ExchangeOutcome): void {
    this.#stage = 'done';
    this.#letGo();
    if (this.countedAs !== '') this.thread.clientsInFlight.leave(this);
    if (this.breakerToken !== UNTRACKED) this.#tellBreaker(breakerOutcome(outcome, this, this.stages.outcomes));
    this.thread.onExchangeOver(this);
  }

  /** The upstream hears of what it was given, the breaker of what came of it: once. */
  #tellBreaker(outcome: BreakerOutcome): void {
    if (this.breakerToken === UNTRACKED) return;
    this.thread.breaker.outcome(this, outcome);
    this.breakerToken = UNTRACKED;
  }

  /** Nothing has ended the exchange since it asked whether it may go on. */
  get #isDeciding(): boolean {
    const stage = this.#stage;
    return (
      stage === 'deciding' ||
      stage === 'verifying' ||
      stage === 'limit' ||
      stage === 'share' ||
      stage === 'authorizing' ||
      stage === 'room' ||
      stage === 'breaker'
    );
  }

  get bodyRoom(): BodyRoom {
    return this.thread.bodyRoom;
  }

  get bodyIdleMs(): number {
    return this.routeConfig.timeouts.bodyIdleMs;
  }

  get deadlines(): Deadlines {
    return this.thread.deadlines;
  }

  get metrics(): ThreadMetrics {
    return this.thread.metrics;
  }

  get consumer(): string {
    return this.caller === undefined ? '' : this.caller.consumer;
  }

  /** The route's word goes before that of the caller's profile. Nothing that a client says counts. */
  get priority(): Priority {
    return this.#stages?.priority ?? this.caller?.priority ?? NORMAL;
  }

  get breakerClient(): string {
    return this.caller === undefined ? this.address : this.caller.client;
  }

  get breakerPlace(): number {
    return this.stages.breakerPlace;
  }

  /** Asked for its upstream only once the route is known to have one. */
  get stages(): ForwardingStages {
    return this.#stages as ForwardingStages;
  }

  get routeConfig(): RouteConfig {
    return (this.#route as CompiledRoute<RouteStages>).config;
  }

  /** `''` before a route is found. */
  get routeName(): string {
    return this.#route?.config.name ?? '';
  }

  /** Where the metrics' row of its route starts. */
  get metricsStart(): number {
    if (this.#isPreflight) return PREFLIGHT_START;
    if (this.#route !== undefined) return this.#route.stages.metricsStart;
    return isProbePath(this.path) ? PROBE_START : NO_ROUTE_START;
  }

  /** Milliseconds from the request's header to now: while a read is handled the clock is asked once, if at all. */
  tookMs(): number {
    const nowMs = this.call?.nowMs ?? -1;
    return (nowMs < 0 ? monotonicMs() : nowMs) - this.startedMs;
  }
}

const ATTEMPTS_LINE = /x-gateway-attempts: \d+\r\n/;
const NOTHING_TOLD: Told = { client: '', forwarded: '', via: '' };

const utf8AsBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** RFC 6455, section 4.2.2, and RFC 9110, section 15.5.22: what a 426 must say. */
const VERSION_FIELDS = 'sec-websocket-version: 13\r\nupgrade: websocket\r\nconnection: upgrade\r\n';
const NO_CONTENT = { status: 200, type: '', text: '', retryAfterSeconds: undefined };
