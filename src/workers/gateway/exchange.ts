import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { monotonicMs } from '../../shared/clock.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import { STATUS, type ErrorCode } from '../../shared/errors.ts';
import { isSaneRequestId } from '../../shared/http/field.ts';
import { clientChain } from '../../shared/http/forwarded.ts';
import { classifyMethod, isIdempotent } from '../../shared/http/method.ts';
import { forwardPath, type CompiledRoute } from '../../shared/http/router.ts';
import { isCleanQuery, normalizePath } from '../../shared/http/target.ts';
import { addressText } from '../../shared/net/address.ts';
import { Answer } from './answer.ts';
import type { DeadlineList, Waiting } from './deadlines.ts';
import { chunk, LAST_CHUNK, RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import type { RequestThread } from './request-thread.ts';
import type { Connection } from './upstream/connection.ts';
import type { Queued, Target } from './upstream/target.ts';
import type { Upstream } from './upstream/upstream.ts';

/** The pseudonym in Via (RFC 9110, section 7.6.3). */
const VIA = '1.1 api-gateway';

/** Bodies up to this go out in one buffer with the head; above it, in one writev. */
const ONE_BUFFER_BYTES = 16 * 1024;

/** What an exchange waits for; each wait has its own time-out and its own answer when that is over. */
type Stage = 'deciding' | 'client-body' | 'connection' | 'upload' | 'upstream-head' | 'upstream-body' | 'done';

/**
 * One request and its answer, from the client's header to the last byte back. Its life reads from top to bottom:
 *
 *   guard → route → identify → (limit → breaker) → forward → answer → record
 *
 * A stage that has to wait returns; what it waited for calls the next one. Nothing here may throw into uWebSockets.js,
 * which would abort the process: what it calls is wrapped (`RequestThread.handle`, and `#guarded` here).
 */
export class Exchange implements Queued, Waiting {
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
  /** Time to the end of the answer's header, -1 = none came. */
  upstreamMs = -1;

  #stage: Stage = 'deciding';
  #upstream: Upstream | undefined = undefined;
  #connection: Connection | undefined = undefined;
  #body: RequestBody | undefined = undefined;
  /** Everything after the request line and Host, without the framing field. */
  #fields = '';
  #host = '';
  /** Method and target as sent, without the target's base path. */
  #forwardTarget = '';
  #ascii = true;
  #sentMs = 0;
  #retried = false;
  #attempts = 0;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(thread: RequestThread, res: HttpResponse) {
    this.thread = thread;
    this.answer = new Answer(this, res);
  }

  get connectTimeoutMs(): number {
    return this.#timeouts.connectMs;
  }

  /** Runs inside uWS's handler: everything the request says must be taken from `req` before this returns. */
  start(req: HttpRequest): void {
    const head = this.thread.head;
    if (!this.#guard(req, head)) return;
    if (this.path === '/health' || this.path === '/ready') {
      this.answer.probe(this.path);
      return;
    }
    if (!this.#admit(head)) return;
    this.#identify(head);
    // A token bucket per client and a circuit breaker per upstream decide here, each may end the exchange or make it wait.
    this.#receiveBody(head);
    this.#forward();
  }

  /** 400, 405, 431: refuses what is not HTTP as RFC 9110 and 9112 want it, before anything else looks at it. */
  #guard(req: HttpRequest, head: RequestHead): boolean {
    this.method = req.getCaseSensitiveMethod();
    const url = req.getUrl();
    const query = req.getQuery() ?? '';
    head.read(req);
    this.requestId =
      head.requestId !== undefined && isSaneRequestId(head.requestId) ? head.requestId : this.thread.requestIds.next();
    if (this.method.length + url.length + query.length + head.bytes > this.thread.config.server.maxHeaderBytes) {
      this.answer.problem('header_too_large');
      return false;
    }
    if (head.fault !== undefined) {
      this.answer.problem('bad_request', head.fault);
      return false;
    }
    const kind = classifyMethod(this.method);
    if (kind !== 'forward') {
      if (kind === 'refused') this.answer.problem('method_not_allowed', 'The gateway never takes CONNECT or TRACE.');
      else this.answer.problem('bad_request', 'The method is not a token of upper-case letters.');
      return false;
    }
    const path = normalizePath(url);
    if (path === undefined || !isCleanQuery(query)) {
      this.answer.problem('bad_request', 'The request target is malformed, or climbs above the root.');
      return false;
    }
    this.path = path;
    this.#forwardTarget = query === '' ? '' : `?${query}`;
    return true;
  }

  /** 404, 405, 413, 503: finds the route, and whether there is room. */
  #admit(head: RequestHead): boolean {
    const match = this.thread.table.match(head.host, this.path, this.method);
    if (match.kind === 'no_route') {
      this.answer.problem('no_route');
      return false;
    }
    if (match.kind === 'method_not_allowed') {
      this.answer.allow = match.allow;
      this.answer.problem('method_not_allowed');
      return false;
    }
    this.#take(match);
    if (this.thread.overloaded) {
      this.answer.problem('overloaded');
      return false;
    }
    if (head.contentLength > match.config.maxBodyBytes) {
      this.answer.problem('body_too_large');
      return false;
    }
    return true;
  }

  #take(route: CompiledRoute): void {
    this.route = route.config;
    this.#upstream = this.thread.table.upstreamOf(route.config);
    this.#forwardTarget = forwardPath(route, this.path) + this.#forwardTarget;
  }

  /** Who asks, and what the upstream is told about it. */
  #identify(head: RequestHead): void {
    const { thread, answer } = this;
    const trusted = thread.table.trustedProxies;
    const remote = addressText(answer.remoteAddress());
    let forwardedFor = remote;
    let proto = thread.scheme;
    let host = head.host;
    this.client = remote;
    if (!trusted.empty && trusted.isTrusted(remote)) {
      const chain = clientChain(remote, head.forwardedFor, trusted);
      this.client = chain.client;
      forwardedFor = chain.forwardedFor;
      if (head.forwardedProto === 'https' || head.forwardedProto === 'http') proto = head.forwardedProto;
      if (head.forwardedHost !== undefined && head.forwardedHost !== '') host = head.forwardedHost;
    }
    const via = head.via === undefined ? VIA : `${head.via}, ${VIA}`;
    this.#host = head.host;
    this.#ascii = head.ascii;
    this.#fields = `${head.fields}x-forwarded-for: ${forwardedFor}\r\nx-forwarded-proto: ${proto}\r\nx-forwarded-host: ${host}\r\nx-request-id: ${this.requestId}\r\nvia: ${via}\r\n`;
  }

  /** uWS wants to know inside its handler who takes the body. */
  #receiveBody(head: RequestHead): void {
    if (head.contentLength <= 0 && !head.chunked) return;
    this.#body = new RequestBody(head.contentLength);
    this.answer.onBody((piece, last) => this.#guarded(() => this.#onBodyPiece(piece, last)));
  }

  /** Asks the upstream for a connection, once the first piece of a body is there to be sent along with the head. */
  #forward(): void {
    const body = this.#body;
    if (body !== undefined && !body.ended && body.held.length === 0 && this.#stage === 'deciding') {
      this.#stage = 'client-body';
      this.thread.sendSoon(this);
      return;
    }
    this.#stage = 'connection';
    this.thread.deadlines.arm(this, this.#timeouts.headersMs);
    this.#attempts++;
    this.target = (this.#upstream as Upstream).pick();
    this.target.acquire(this);
  }

  /** The loop has turned once and no body came with the head: send the head alone, for the client may wait for it. */
  forwardWithoutBody(): void {
    if (this.#stage === 'client-body') this.#forward();
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    connection.carry(this, this.method);
    this.#sentMs = monotonicMs();
    const target = connection.target;
    const host = (this.route as RouteConfig).preserveHost ? `host: ${this.#host}\r\n` : target.hostLine;
    const head = `${this.method} ${target.config.basePath}${this.#forwardTarget} HTTP/1.1\r\n${host}${this.#fields}`;
    const body = this.#body;
    if (body === undefined) {
      const framing = SENDS_LENGTH_ZERO.has(this.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
      connection.socket.write(head + framing, this.#ascii ? 'latin1' : 'utf8');
      this.#onRequestSent(connection);
      return;
    }
    this.#sendWithBody(connection, `${head}${body.framingField()}\r\n`, body);
  }

  #sendWithBody(connection: Connection, head: string, body: RequestBody): void {
    const { socket } = connection;
    const whole = body.ended;
    const chunked = !whole && body.declaredBytes < 0;
    if (body.heldBytes <= ONE_BUFFER_BYTES && !chunked) {
      socket.write(Buffer.concat([Buffer.from(head, this.#ascii ? 'latin1' : 'utf8'), ...body.held]));
    } else {
      socket.cork();
      socket.write(head, this.#ascii ? 'latin1' : 'utf8');
      for (const piece of body.held) socket.write(chunked ? chunk(piece) : piece);
      socket.uncork();
    }
    if (whole) {
      this.#onRequestSent(connection);
      return;
    }
    body.held.length = 0;
    body.streamed = true;
    this.#stage = 'upload';
    this.thread.deadlines.arm(this, this.#timeouts.bodyIdleMs);
    this.thread.uploads.add(this);
    if (body.paused && !socket.writableNeedDrain) this.#resumeClient(body);
  }

  #onRequestSent(connection: Connection): void {
    connection.requestSent = true;
    if (this.#stage === 'upstream-body') return; // the upstream has answered before it had all
    this.#stage = 'upstream-head';
    this.thread.deadlines.arm(this, this.#timeouts.headersMs);
  }

  #onBodyPiece(piece: ArrayBuffer, last: boolean): void {
    const body = this.#body;
    if (body === undefined || this.#stage === 'done') return;
    body.receivedBytes += piece.byteLength;
    if (body.receivedBytes > (this.route as RouteConfig).maxBodyBytes) {
      this.#giveUp();
      if (this.answer.started) this.answer.cut('body_too_large');
      else this.answer.problem('body_too_large');
      return;
    }
    body.ended = last;
    // The memory is uWS's and gone when this returns.
    const copy = Buffer.from(piece.slice(0));
    const connection = this.#connection;
    if (connection === undefined) {
      if (copy.length > 0) body.hold(copy);
      if (this.#stage === 'client-body') this.#forward();
      if (!last && this.#connection === undefined) this.#pauseClient(body);
      return;
    }
    this.#stream(connection, copy, body);
  }

  #stream(connection: Connection, piece: Buffer, body: RequestBody): void {
    const { socket } = connection;
    const chunked = body.declaredBytes < 0;
    let ready = true;
    if (piece.length > 0) ready = socket.write(chunked ? chunk(piece) : piece);
    if (body.ended) {
      if (chunked) socket.write(LAST_CHUNK);
      this.thread.uploads.delete(this);
      this.#onRequestSent(connection);
      return;
    }
    if (this.#stage === 'upload') this.thread.deadlines.arm(this, this.#timeouts.bodyIdleMs);
    if (!ready) this.#pauseClient(body);
  }

  #pauseClient(body: RequestBody): void {
    if (body.paused) return;
    body.paused = true;
    this.answer.pause();
  }

  #resumeClient(body: RequestBody): void {
    if (!body.paused) return;
    body.paused = false;
    this.answer.resume();
  }

  onUpstreamDrain(): void {
    const body = this.#body;
    if (body === undefined || this.#stage === 'done') return;
    if (this.#stage === 'upload') this.thread.deadlines.arm(this, this.#timeouts.bodyIdleMs);
    this.#resumeClient(body);
  }

  /**
   * uWS cuts uploads slower than it likes. A pause and resume starts its clock again; how long a client may be silent is
   * decided by the route's time-out alone.
   */
  keepUploadAlive(): void {
    const body = this.#body;
    if (body === undefined || body.paused || this.#stage === 'done') return;
    this.answer.pause();
    this.answer.resume();
  }

  onUpstreamRead(connection: Connection): void {
    this.#guarded(() => {
      if (connection.headArrived) this.upstreamMs = monotonicMs() - this.#sentMs;
      if (this.#stage === 'done') return;
      const { complete } = connection;
      if (complete) this.#connection = undefined;
      else if (connection.headArrived) this.#onAnswerBegins(connection);
      else if (this.#stage === 'upstream-body') this.#armBody();
      this.answer.onRead(connection);
    });
  }

  #onAnswerBegins(connection: Connection): void {
    if (connection.requestSent) this.thread.uploads.delete(this);
    this.#stage = 'upstream-body';
    this.#armBody();
  }

  #armBody(): void {
    this.thread.deadlines.arm(this, this.#timeouts.bodyIdleMs);
  }

  /** The client reads slower than the upstream sends. */
  pauseUpstream(): void {
    this.#connection?.pause();
    this.thread.deadlines.disarm(this); // a slow client is no fault of the upstream; uWS watches the client
  }

  resumeUpstream(): void {
    if (this.#connection === undefined) return;
    this.#armBody();
    this.#connection.resume();
  }

  onUpstreamFailed(code: ErrorCode, stale: boolean): void {
    this.#connection = undefined;
    if (this.#stage === 'done') return;
    if (this.answer.started) {
      this.#end();
      this.answer.cut(code);
      return;
    }
    if (stale && this.#mayRepeat()) {
      this.#retried = true;
      this.#stage = 'connection';
      this.thread.deadlines.arm(this, this.#timeouts.headersMs);
      this.target?.acquireFresh(this);
      return;
    }
    const others = (this.#upstream as Upstream).targets.length;
    const unsent = this.#stage === 'connection';
    if (unsent && this.#attempts < others && code !== 'upstream_queue_full') {
      this.#forward(); // nothing was sent: another target may take it
      return;
    }
    this.#end();
    this.answer.problem(code);
  }

  /** A request may go out a second time when that is as good as once, and we still have all of it. */
  #mayRepeat(): boolean {
    return !this.#retried && isIdempotent(this.method) && this.#body?.streamed !== true;
  }

  onDeadline(): void {
    switch (this.#stage) {
      case 'connection':
        this.#fail('upstream_connect_timeout');
        return;
      case 'client-body':
        this.#fail('request_timeout');
        return;
      case 'upload':
        this.#fail(this.#connection?.socket.writableNeedDrain === true ? 'upstream_body_timeout' : 'request_timeout');
        return;
      case 'upstream-head':
        this.#fail('upstream_headers_timeout');
        return;
      case 'upstream-body':
        this.#fail('upstream_body_timeout');
        return;
      case 'deciding':
      case 'done':
        return;
      default:
        return this.#stage satisfies never;
    }
  }

  /** Ends the exchange from our side, whatever it was doing. */
  #fail(code: ErrorCode): void {
    this.#giveUp();
    if (this.answer.started) this.answer.cut(code);
    else this.answer.problem(code);
  }

  /** The time limit of the whole exchange. */
  failTotal(): void {
    if (this.#stage !== 'done') this.#fail('upstream_total_timeout');
  }

  /** The client is gone: the upstream need not go on. */
  onClientGone(): void {
    this.#giveUp();
    this.record('client_aborted', this.answer.status);
  }

  /** The thread is closing. */
  abandon(): void {
    this.#giveUp();
    this.answer.cut('draining');
  }

  /** Lets go of the upstream; the answer is somebody else's business. */
  #giveUp(): void {
    if (this.#stage === 'connection') this.target?.cancel(this);
    this.#connection?.destroy();
    this.#end();
  }

  #end(): void {
    this.#stage = 'done';
    this.#connection = undefined;
    this.thread.deadlines.disarm(this);
    if (this.#body !== undefined) {
      this.thread.uploads.delete(this);
      if (!this.#body.ended) this.#resumeClient(this.#body);
    }
  }

  /** Called once, when nothing more will be written: counts and logs. */
  record(outcome: ErrorCode | 'ok' | 'client_aborted', status: number): void {
    if (this.#stage !== 'done') {
      // The upstream answered before the body was all there: what is left of it has nowhere to go.
      this.#giveUp();
    }
    const { thread } = this;
    thread.onExchangeOver(this);
    const failed = outcome !== 'ok' || status >= 500;
    if (!thread.accessLog.wants(failed)) return;
    thread.accessLog.add({
      requestId: this.requestId,
      client: this.client === '' ? addressText(this.answer.remoteAddress()) : this.client,
      method: this.method,
      path: this.path,
      route: this.route?.name ?? '',
      status,
      bytesReceived: this.#body?.receivedBytes ?? 0,
      bytesSent: this.answer.bodyBytes,
      durationMs: monotonicMs() - this.startedMs,
      upstreamMs: this.upstreamMs,
      target: this.target?.config.origin ?? '',
      outcome,
    });
  }

  /** A fault of our own ends this exchange, and no other. */
  onFault(error: unknown): void {
    this.thread.log.error({ err: error, requestId: this.requestId }, 'exchange failed');
    this.#giveUp();
    if (this.answer.started) this.answer.cut('internal_error');
    else this.answer.problem('internal_error');
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.onFault(error);
    }
  }

  get #timeouts(): RouteConfig['timeouts'] {
    return (this.route as RouteConfig).timeouts;
  }
}

/** Methods whose requests are expected to have a body: they say so when it is empty (RFC 9110, section 8.6). */
const SENDS_LENGTH_ZERO: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

export const statusOf = (code: ErrorCode): number => STATUS[code];
