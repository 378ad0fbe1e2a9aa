import type { StreamHandle } from '../../../../shared/net/handles.ts';
import type { AnsweredExchange, ClientSide } from '../../exchange/client-side.ts';
import type { ErrorCode } from '../../../../shared/errors.ts';
import { hasLength } from '../../exchange/local-answer.ts';
import type { LocalAnswer } from '../../exchange/local-answer.ts';
import { passedTrailers } from '../../exchange/passed-fields.ts';
import type { ClientCertificate } from '../../identity/certificates/client-certificate.ts';
import type { Connection } from '../../upstream/connection.ts';
import { latin1 } from '../../upstream/http-bytes.ts';
import { localHead, upstreamHead, utf8AsLatin1 } from './answer-head.ts';
import { StreamOutput, MOST_TEXT_BYTES } from '../../stream-output.ts';
import type { OutputTools } from '../../stream-output.ts';
import type { ConnectionHost } from './connection-host.ts';
import {
  ALL_SAFE,
  BODY_CHUNKED,
  BODY_PAUSED,
  CLOSED,
  CONSUMING,
  END_WAITS,
  EVENT_STREAM,
  EXPECTS,
  HALF_CLOSED,
  HEAD,
  HTTP_1_0,
  IGNORED,
  IN_CHUNKS,
  LAST_REQUEST,
  MOST_WAITING_BYTES,
  SAID_CLOSE,
  UNTIL_CLOSE,
} from './connection-state.ts';
import { LineAnswer } from './line-answer.ts';

/** Exchanges of one connection that may be under way at the same time. */
const MOST_EXCHANGES = 16;
/** The rest of a body that nobody wants is read past up to this, so that the connection can go on. */
const MOST_SKIPPED_BYTES = 1024 * 1024;

const IS_EVENT_STREAM = /^content-type:[ \t]*text\/event-stream/im;

/** libuv's stream, with what it has not written yet. */
interface QueuedHandle extends StreamHandle {
  readonly writeQueueSize?: number;
}

/**
 * The exchanges of a client's connection, in the order of their requests, and what they do to the client: answers are
 * given in that order, those that are ready together in one write. What is read from the client is the subclass's.
 */
export abstract class AnswerLine extends StreamOutput implements ClientSide {
  readonly index: number;
  /** By the thread's coarse clock: since then nothing is under way. */
  idleSinceMs: number;
  protected readonly host: ConnectionHost;
  protected first: AnsweredExchange | undefined = undefined;
  protected last: AnsweredExchange | undefined = undefined;
  protected count = 0;
  /** Bits of connection-state.ts. */
  protected flags = 0;
  protected phase = HEAD;
  /** Bytes of the body still to come; bytes dropped, while it lingers. */
  protected remaining = 0;
  /** The exchange whose body is arriving. */
  protected receiver: AnsweredExchange | undefined = undefined;
  /** Came before its turn. */
  protected kept: Buffer | undefined = undefined;
  readonly #address: string;

  constructor(handle: StreamHandle, host: ConnectionHost, peer: { readonly index: number; readonly address: string }) {
    super(handle);
    this.host = host;
    this.#address = peer.address;
    this.index = peer.index;
    this.idleSinceMs = Math.trunc(host.deadlines.nowMs);
  }

  override get tools(): OutputTools {
    return this.host.tools;
  }

  /** An exchange is over: what came before its turn may be read, as far as its turn has come; or the client has ended. */
  protected abstract takeKept(): void;
  /** The end of an answer waits for the client to read: it may not for ever. */
  protected abstract waitForRoom(): void;
  /** The client may be read again, if nothing else is against it. */
  protected abstract readOn(): void;
  /** Nothing more is said to the client. */
  protected abstract close(): void;
  /** Ends the connection at once; exchanges under way hear that their client is gone. */
  abstract destroy(): void;
  /** The same, in a way that the client can tell from an end in order. */
  protected abstract reset(): void;

  /** A request has come: its answer is the next after those before it. */
  protected enqueue(exchange: AnsweredExchange): void {
    if (this.last === undefined) {
      this.first = exchange;
      this.host.markBusy(this.index);
    } else {
      this.last.nextInLine = exchange;
      exchange.heldAnswer = new LineAnswer();
    }
    this.last = exchange;
    this.count++;
  }

  /** Whether the next request may be looked at while others are under way. */
  protected mayRunBeside(): boolean {
    if (this.pendingWrites > 0 || this.count >= MOST_EXCHANGES || (this.flags & ALL_SAFE) === 0) return false;
    if (this.last?.waitsForTurn === true || (this.count > 0 && !this.host.mayReadAhead)) return false;
    return this.#waitingBytes < MOST_WAITING_BYTES;
  }

  /** Of answers whose turn has not come. */
  get #waitingBytes(): number {
    let bytes = 0;
    for (let each = this.first; each !== undefined; each = each.nextInLine) bytes += each.heldAnswer?.bytes ?? 0;
    return bytes;
  }

  abstract certificate(): ClientCertificate | undefined;

  peerAddress(): string {
    return this.#address;
  }

  local(exchange: AnsweredExchange, answer: LocalAnswer): void {
    if (this.phase === CLOSED) return;
    const closes = this.#closesAfter(exchange, answer.close);
    const body = answer.isBytes === true ? answer.text : utf8AsLatin1(answer.text);
    const length = hasLength(answer.status) ? `content-length: ${body.length}\r\n` : '';
    const head = localHead(exchange, answer, this.#ownLines(length, closes));
    if (exchange.method === 'HEAD' || body === '') {
      this.#emit(exchange, head);
    } else {
      exchange.bytesSent = body.length;
      this.#emit(exchange, head + body);
    }
    if (this.phase !== CLOSED) this.#complete(exchange, closes);
  }

  informational(exchange: AnsweredExchange, statusLine: string, fields: string): void {
    const wanted = this.host.settings.forwardInformational && (this.flags & HTTP_1_0) === 0;
    if (!wanted || exchange !== this.first || this.phase === CLOSED) return;
    exchange.informed = true;
    this.write(`HTTP/1.1 ${statusLine}\r\n${fields === '' ? '' : `${fields}\r\n`}\r\n`);
  }

  forward(exchange: AnsweredExchange, read: Connection): void {
    if (this.phase === CLOSED) return;
    this.#send(exchange, read.headArrived ? this.#beginAnswer(exchange, read) : '', read);
    if (this.phase === CLOSED) return;
    if (read.complete) this.#complete(exchange, exchange === this.last && (this.flags & LAST_REQUEST) !== 0);
    else if (this.pendingWrites > 0 && exchange === this.first) exchange.onClientBlocked();
  }

  /** @returns the head of the answer; how its body is delimited stays with the exchange */
  #beginAnswer(exchange: AnsweredExchange, read: Connection): string {
    const { parser, complete } = read;
    exchange.answerStarted = true;
    exchange.status = parser.status;
    if (parser.bodyKind === 'none') {
      const hasLength = parser.contentLength >= 0 && parser.status !== 204;
      return this.#headOf(exchange, read, hasLength ? `content-length: ${parser.contentLength}\r\n` : '');
    }
    if (!complete && IS_EVENT_STREAM.test(parser.fields)) this.#onEventStream(exchange);
    if (parser.bodyKind === 'length') {
      return this.#headOf(exchange, read, `content-length: ${parser.contentLength}\r\n`);
    }
    // All of it is here: then the client need not be told by chunks.
    if (complete && !(exchange.takesTrailers && parser.trailers !== '')) {
      return this.#headOf(exchange, read, `content-length: ${read.bodyEnd - read.bodyStart}\r\n`);
    }
    if ((this.flags & HTTP_1_0) !== 0) {
      this.flags |= LAST_REQUEST; // what HTTP/1.0 knows of unknown lengths is the end of the connection
      exchange.answerFraming = UNTIL_CLOSE;
      return this.#headOf(exchange, read, '');
    }
    exchange.answerFraming = IN_CHUNKS;
    return this.#headOf(exchange, read, 'transfer-encoding: chunked\r\n');
  }

  #headOf(exchange: AnsweredExchange, { parser }: Connection, framing: string): string {
    return upstreamHead(exchange, parser, this.#ownLines(framing, this.#closesAfter(exchange, false)));
  }

  #ownLines(framing: string, closes: boolean): string {
    if (closes) return `${this.host.dateLine}${framing}connection: close\r\n`;
    if ((this.flags & HTTP_1_0) !== 0) return `${this.host.dateLine}${framing}connection: keep-alive\r\n`;
    return this.host.dateLine + framing;
  }

  /**
   * Whether the answer says that the connection closes after it. Then nothing more is read from the client: what follows
   * has no answer (RFC 9112, section 9.6).
   */
  #closesAfter(exchange: AnsweredExchange, wanted: boolean): boolean {
    if (exchange !== this.last) return wanted;
    const closes = wanted || this.#isLastRequest || exchange.drains || this.#bodyIsLong(exchange);
    if (closes) {
      this.flags |= LAST_REQUEST;
      if (this.phase === HEAD) this.phase = IGNORED;
      this.kept = undefined;
    }
    return closes;
  }

  get #isLastRequest(): boolean {
    const { flags } = this;
    if ((flags & LAST_REQUEST) !== 0) return true;
    return (flags & HALF_CLOSED) !== 0 && (flags & CONSUMING) === 0 && this.kept === undefined;
  }

  /** The rest of its body is more than is worth reading to keep the connection, or perhaps never comes. */
  #bodyIsLong(exchange: AnsweredExchange): boolean {
    if (this.receiver !== exchange) return false;
    return this.phase === BODY_CHUNKED || (this.flags & EXPECTS) !== 0 || this.remaining > MOST_SKIPPED_BYTES;
  }

  #onEventStream(exchange: AnsweredExchange): void {
    if (exchange !== this.first) return;
    this.flags |= EVENT_STREAM;
    if ((this.flags & HALF_CLOSED) !== 0) this.destroy(); // it would be sent to nobody for ever
  }

  cut(exchange: AnsweredExchange, code: ErrorCode): void {
    if (this.phase === CLOSED) return;
    const { heldAnswer } = exchange;
    if (heldAnswer !== undefined) (heldAnswer as LineAnswer).cut = true;
    else this.#cut(exchange, code !== 'client_stalled');
  }

  /** Answers before this one, and what there is of it, reach a client that reads. */
  #cut(exchange: AnsweredExchange, reads: boolean): void {
    if (!reads) this.destroy();
    else if (exchange.answerFraming === UNTIL_CLOSE) {
      this.flush();
      this.reset(); // what ends with the connection must not seem to have ended
    } else this.close();
  }

  wantBody(exchange: AnsweredExchange): void {
    if (this.receiver !== exchange || (this.flags & EXPECTS) === 0 || this.phase === CLOSED) return;
    this.flags &= ~EXPECTS;
    this.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  pauseBody(exchange: AnsweredExchange): void {
    if (this.receiver !== exchange || this.phase === CLOSED) return;
    this.flags |= BODY_PAUSED;
    this.handle.readStop();
  }

  resumeBody(): void {
    if ((this.flags & BODY_PAUSED) === 0) return;
    this.flags &= ~BODY_PAUSED;
    this.readOn();
  }

  keepUploadAlive(): void {} // nobody but us has a clock on it

  unsentBytes(): number {
    return this.corkedBytes + ((this.handle as QueuedHandle).writeQueueSize ?? 0);
  }

  socketDescriptor(exchange: AnsweredExchange): number {
    return exchange === this.first && this.phase !== CLOSED ? this.handle.fd : -1;
  }

  /** Text of one char a byte. */
  #emit(exchange: AnsweredExchange, text: string): void {
    if (this.phase === CLOSED) return;
    if (exchange !== this.first) {
      const held = exchange.heldAnswer as LineAnswer;
      held.text += text;
      if (this.#waitingBytes <= MOST_WAITING_BYTES) return;
      held.blocked = true;
      exchange.onClientBlocked();
    } else if (this.count === 1 && (this.flags & CONSUMING) === 0) {
      this.write(text);
    } else {
      // More may be ready in this turn of the loop: they leave in one write.
      this.cork(text);
      if ((this.flags & CONSUMING) === 0) this.flushSoon();
    }
  }

  protected flushSoon(): void {
    this.host.flushSoon(this);
  }

  /** Gives the client what the read brought of the body, behind the head if it is the first of it. */
  #send(exchange: AnsweredExchange, head: string, read: Connection): void {
    const { bodyStart, bodyEnd, readBuffer } = read;
    const bytes = bodyEnd - bodyStart;
    exchange.bytesSent += bytes;
    let before = head;
    let after = '';
    if (exchange.answerFraming === IN_CHUNKS) {
      if (bytes > 0) {
        before += `${bytes.toString(16)}\r\n`;
        after = '\r\n';
      }
      if (read.complete) after += lastChunk(exchange, read);
    }
    if (bytes === 0) {
      if (before !== '' || after !== '') this.#emit(exchange, before + after);
    } else if (exchange !== this.first || before.length + bytes + after.length <= MOST_TEXT_BYTES) {
      this.#emit(exchange, before + latin1(readBuffer, bodyStart, bodyEnd) + after);
    } else if (this.phase !== CLOSED) {
      this.writePiece(before, readBuffer.subarray(bodyStart, bodyEnd), after);
    }
  }

  flushCorked(): void {
    if (this.phase === CLOSED) return;
    this.flush();
    if (this.pendingWrites > 0) this.waitForRoom();
  }

  /** The answer has been given to us, whole. */
  #complete(exchange: AnsweredExchange, closes: boolean): void {
    if (exchange !== this.first) {
      const held = exchange.heldAnswer as LineAnswer;
      held.complete = true;
      held.closes = closes;
      return;
    }
    if (closes) this.flags |= SAID_CLOSE;
    if (this.pendingWrites === 0) {
      this.#finish(exchange);
      return;
    }
    this.flags |= END_WAITS;
    this.waitForRoom();
    exchange.onClientBlocked();
  }

  /** The answer of the first exchange has left, and those behind it that are ready. */
  #finish(exchange: AnsweredExchange): void {
    let done: AnsweredExchange | undefined = exchange;
    while (done !== undefined) {
      const next: AnsweredExchange | undefined = done.nextInLine;
      this.first = next;
      this.count--;
      if (next === undefined) this.last = undefined;
      done.nextInLine = undefined;
      this.flags &= ~EVENT_STREAM;
      done.onAnswered();
      if ((this.flags & SAID_CLOSE) !== 0) {
        this.close();
        return;
      }
      done = next === undefined ? undefined : this.#promote(next);
      if (this.phase === CLOSED) return;
    }
    if (this.first === undefined) {
      this.idleSinceMs = Math.trunc(this.host.deadlines.nowMs);
      this.host.markIdle(this.index);
    } else if (this.count > 1 || this.first.waitsForTurn) this.#callWaiting();
    this.takeKept(); // there is room for one more
  }

  /** Those that wait for others of the connection: the first has its turn, the rest may have room by now. */
  #callWaiting(): void {
    for (let each = this.first; each !== undefined; each = each.nextInLine) if (each.waitsForTurn) each.onTurn();
  }

  /** The turn of this exchange has come. @returns it, if its answer was given with that */
  #promote(exchange: AnsweredExchange): AnsweredExchange | undefined {
    const held = exchange.heldAnswer as LineAnswer;
    exchange.heldAnswer = undefined;
    if (held.text !== '') this.#emit(exchange, held.text);
    if (held.cut) {
      this.#cut(exchange, true);
      return undefined;
    }
    if (held.complete) {
      if (held.closes) this.flags |= SAID_CLOSE;
      return exchange;
    }
    if (held.blocked) exchange.onClientDrained();
    return undefined;
  }

  protected override onDrained(): void {
    if (this.phase === CLOSED) return;
    const first = this.first;
    if (first === undefined) {
      this.takeKept();
    } else if ((this.flags & END_WAITS) !== 0) {
      this.flags &= ~END_WAITS;
      this.#finish(first);
    } else {
      first.onClientDrained();
    }
  }

  protected override onWriteFailed(): void {
    this.destroy();
  }
}

const lastChunk = (exchange: AnsweredExchange, { parser }: Connection): string =>
  exchange.takesTrailers && parser.trailers !== '' ? `0\r\n${passedTrailers(exchange, parser)}\r\n` : '0\r\n\r\n';
