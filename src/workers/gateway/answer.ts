import type { HttpResponse } from 'uWebSockets.js';
import { STATUS, type ErrorCode } from '../../shared/errors.ts';
import { problemBody } from '../../shared/http/problem.ts';
import type { Exchange } from './exchange.ts';
import { writeLocal, type LocalAnswer } from './local-answer.ts';
import type { Connection } from './upstream/connection.ts';

/** Written after the upstream's fields: Via names the hops in the order the answer passed them (RFC 9110, section 7.6.3). */
const LAST_LINE = 'via: 1.1 api-gateway';

/** Refusals after which the connection cannot carry another request: what follows on it is not to be trusted, or not wanted. */
const CLOSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bad_request',
  'header_too_large',
  'body_too_large',
  'request_timeout',
  'overloaded',
  'internal_error',
]);

/** Seconds after which a client may try again, for refusals that pass by themselves. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = { upstream_queue_full: 1, overloaded: 1, draining: 1 };

// uWS's cork() takes a function; to make none for each answer, what it works on is put here first.
let corked: Answer;
let corkedConnection: Connection;
const writeWhole = (): void => corked.writeWhole(corkedConnection);
const writeBegin = (): void => corked.writeBegin(corkedConnection);
const nothing = (): void => undefined;
const writePiece = (): void => corked.writePiece(corkedConnection);

function cork(answer: Answer, connection: Connection, write: () => void): void {
  corked = answer;
  corkedConnection = connection;
  answer.cork(write);
}

/** The way back to the client. After the client is gone, or the answer ended, every call does nothing. */
export class Answer {
  /** Some byte of it has been handed to the client's socket. */
  started = false;
  status = 0;
  bodyBytes = 0;
  /** Value of the Allow field of a 405. */
  allow: string | undefined = undefined;
  /** Fields that the limits and the breaker add, each line with its CRLF. */
  extraFields = '';
  readonly #exchange: Exchange;
  #res: HttpResponse | undefined;
  /** The answer's header is known but not written: uWS sends it with the first byte of the body, and takes an empty first piece for the whole. */
  #headHeld = false;
  /** Declared length; -1 = chunked. */
  #totalBytes = -1;
  /** Bytes the client's socket did not take, of an answer with a length; #unsentAt is their place in it. */
  #unsent: Buffer | undefined = undefined;
  #unsentAt = 0;
  #watching = false;
  /** The client's socket is full; uWS says when it no longer is. */
  #blocked = false;
  /** A chunked answer is complete but for its end. */
  #endWanted = false;
  /** The client's socket is not read. */
  #paused = false;

  constructor(exchange: Exchange, res: HttpResponse) {
    this.#exchange = exchange;
    this.#res = res;
    res.onAborted(() => this.#onAborted());
  }

  /** Address of the connection's other end; '' when the client is gone. */
  peerAddress(): string {
    return this.#res === undefined ? '' : this.#exchange.thread.connections.addressOf(this.#res);
  }

  onBody(take: (piece: ArrayBuffer, last: boolean) => void): void {
    this.#res?.onData(take);
  }

  cork(write: () => void): void {
    this.#res?.cork(write);
  }

  pause(): void {
    this.#paused = true;
    this.#res?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#res?.resume();
  }

  /** `/health` and `/ready`: answered here, whatever else is going on. */
  probe(path: '/health' | '/ready'): void {
    const { thread, method } = this.#exchange;
    if (method !== 'GET' && method !== 'HEAD') {
      this.allow = 'GET, HEAD';
      this.problem('method_not_allowed');
      return;
    }
    const ready = path === '/health' || !thread.draining;
    const text = path === '/health' ? thread.healthBody() : `{"status":"${ready ? 'ready' : 'draining'}"}\n`;
    const status = ready ? 200 : 503;
    this.#local({ ...this.#common(), status, type: 'application/json', text, close: thread.draining, outcome: 'ok' });
  }

  /** The gateway's own refusal or failure, before anything was written. */
  problem(code: ErrorCode, detail?: string): void {
    const { requestId } = this.#exchange;
    const text = problemBody(code, detail === undefined ? { requestId } : { requestId, detail });
    const close = CLOSES.has(code) || this.#closesAfter();
    this.#local({
      ...this.#common(),
      status: STATUS[code],
      type: 'application/problem+json',
      text,
      close,
      outcome: code,
      retryAfterSeconds: RETRY_AFTER_SECONDS[code],
    });
  }

  /**
   * The connection carries no further request: the thread is draining, or the rest of this request's body has no end that
   * is known, and uWS would throw it away for as long as it comes.
   */
  #closesAfter(): boolean {
    return this.#exchange.thread.draining || this.#exchange.hasOpenEndedBody;
  }

  #common(): Pick<LocalAnswer, 'requestId' | 'withoutBody' | 'allow' | 'fields'> {
    const { requestId, method } = this.#exchange;
    return { requestId, withoutBody: method === 'HEAD', allow: this.allow, fields: this.extraFields };
  }

  /** `problem` for the stages that may end an exchange: false = it has ended. */
  refuse(code: ErrorCode, detail?: string): false {
    this.problem(code, detail);
    return false;
  }

  #local(local: LocalAnswer): void {
    if (this.#res === undefined) return;
    const res = this.#take();
    this.started = true;
    this.status = local.status;
    this.bodyBytes = writeLocal(res, local);
    this.#exchange.record(local.outcome, local.status);
  }

  /** What one read from the upstream brought goes on to the client. */
  onRead(connection: Connection): void {
    const res = this.#res;
    if (res === undefined) return;
    const { complete } = connection;
    if (connection.headArrived) this.#headHeld = true;
    if (this.#headHeld) {
      if (complete) {
        cork(this, connection, writeWhole);
        return;
      }
      if (connection.bodyEnd > connection.bodyStart) cork(this, connection, writeBegin);
      return;
    }
    if (connection.bodyEnd > connection.bodyStart) cork(this, connection, writePiece);
    if (complete && this.#totalBytes < 0 && this.#res !== undefined) this.#endChunked();
  }

  /** The whole answer is in hand: one write. */
  writeWhole(connection: Connection): void {
    const res = this.#take();
    const { parser, bodyStart, bodyEnd } = connection;
    const close = this.#closesAfter();
    this.#writeHead(res, connection);
    if (parser.bodyKind === 'none') {
      if (parser.contentLength >= 0 && parser.status !== 204) {
        res.endWithoutBody(parser.contentLength, close);
      } else {
        if (close) res.writeHeader('connection', 'close');
        res.endWithoutBody(); // with any argument, even undefined, uWS writes a Content-Length
      }
    } else {
      this.bodyBytes = bodyEnd - bodyStart;
      res.end(bodyEnd === bodyStart ? '' : connection.readBuffer.subarray(bodyStart, bodyEnd), close);
    }
    this.#exchange.record('ok', this.status);
  }

  /** The header and the first piece of a longer body. */
  writeBegin(connection: Connection): void {
    const res = this.#res as HttpResponse;
    this.#headHeld = false;
    this.#totalBytes = connection.parser.bodyKind === 'length' ? connection.parser.contentLength : -1;
    this.#writeHead(res, connection);
    if (this.#closesAfter()) res.writeHeader('connection', 'close');
    this.writePiece(connection);
  }

  writePiece(connection: Connection): void {
    const { bodyStart, bodyEnd } = connection;
    this.#write(connection.readBuffer.subarray(bodyStart, bodyEnd));
  }

  #write(piece: Buffer): void {
    const res = this.#res as HttpResponse;
    if (this.#totalBytes < 0) {
      this.bodyBytes += piece.length;
      if (!res.write(piece)) this.#watchWritable(res);
      return;
    }
    if (this.#unsent !== undefined) {
      // The upstream was paused, but what had been read already still comes; it queues behind.
      this.#unsent = Buffer.concat([this.#unsent, piece]);
      this.bodyBytes += piece.length;
      return;
    }
    const at = this.bodyBytes;
    this.bodyBytes += piece.length;
    const [ok, done] = res.tryEnd(piece, this.#totalBytes);
    if (done) {
      this.#finish();
    } else if (!ok) {
      const taken = res.getWriteOffset() - at;
      this.#unsent = Buffer.from(piece.subarray(Math.max(0, taken)));
      this.#unsentAt = at + Math.max(0, taken);
      this.#watchWritable(res);
    }
  }

  /** The client reads slowly: stop the upstream until it has caught up. */
  #watchWritable(res: HttpResponse): void {
    this.#exchange.pauseUpstream();
    this.#blocked = true;
    if (this.#watching) return;
    this.#watching = true;
    res.onWritable((offset) => {
      try {
        return this.#onWritable(offset);
      } catch (error) {
        this.#exchange.onFault(error);
        return true;
      }
    });
  }

  #onWritable(offset: number): boolean {
    const res = this.#res;
    if (res === undefined) return true;
    if (this.#unsent !== undefined) {
      const rest = this.#unsent.subarray(offset - this.#unsentAt);
      if (rest.length > 0) {
        const [ok, done] = res.tryEnd(rest, this.#totalBytes);
        if (done) {
          this.#finish();
          return true;
        }
        if (!ok) {
          this.#exchange.onClientReads();
          return false;
        }
      }
      this.#unsent = undefined;
    } else {
      // uWS leaves what it has buffered itself alone while a handler like this one is set; an empty cork sends it.
      res.cork(nothing);
    }
    this.#blocked = false;
    if (this.#endWanted) this.#endChunked();
    else this.#exchange.resumeUpstream();
    return true;
  }

  #endChunked(): void {
    if (this.#blocked) {
      this.#endWanted = true; // recorded only when the client has taken what is before it, or a drain would cut that off
      return;
    }
    const res = this.#take();
    // Never with closeConnection: uWS would write `Connection: close` into the body. A drain ends the connection.
    res.cork(() => res.end());
    this.#exchange.record('ok', this.status);
  }

  #finish(): void {
    this.#take();
    this.#unsent = undefined;
    this.#exchange.record('ok', this.status);
  }

  /** The answer cannot be finished: the client must not take what it has for the whole (RFC 9112, section 8). */
  cut(code: ErrorCode): void {
    const res = this.#res;
    if (res === undefined) return;
    this.#res = undefined;
    res.close();
    this.#exchange.record(code, this.status);
  }

  /** The last use of the response follows. A socket left paused would never carry another request, nor notice its client leave. */
  #take(): HttpResponse {
    const res = this.#res as HttpResponse;
    if (this.#paused) this.resume();
    this.#res = undefined;
    return res;
  }

  #writeHead(res: HttpResponse, { parser }: Connection): void {
    this.started = true;
    this.#headHeld = false;
    this.status = parser.status;
    if (parser.statusLine !== '200 OK') res.writeStatus(parser.statusLine);
    // One call for all fields: the parser has seen to it that each line is a field and nothing else.
    const id = this.#exchange.requestId;
    const own = `${id}\r\n${this.extraFields}`;
    const block = parser.fields === '' ? own + LAST_LINE : `${own}${parser.fields}\r\n${LAST_LINE}`;
    res.writeHeader('x-request-id', parser.fieldsNonAscii ? Buffer.from(block, 'latin1') : block);
  }

  #onAborted(): void {
    if (this.#res === undefined) return;
    this.#res = undefined;
    try {
      this.#exchange.onClientGone();
    } catch (error) {
      this.#exchange.thread.log.error({ err: error }, 'exchange failed after its client left');
    }
  }
}
