import type { StreamHandle } from '../../../../shared/net/handles.ts';
import type { AnsweredExchange, ClientSide } from '../../exchange/client-side.ts';
import type { LocalAnswer } from '../../exchange/local-answer.ts';
import { FAULT_FIELD, injectFault } from '../../test-faults.ts';
import type { Connection } from '../../upstream/connection.ts';
import { latin1 } from '../../upstream/http-bytes.ts';
import { localHead, upstreamHead, utf8AsLatin1 } from './answer-head.ts';
import { ClientOutput, MOST_TEXT_BYTES } from './client-output.ts';
import type { ConnectionHost } from './connection-host.ts';
import { ConnectionTimer, type Wait } from './connection-timer.ts';
import { INCOMPLETE, MALFORMED, skipEmptyLines } from './head-parser-start.ts';
import type { NativeRequestHead } from './head-parser.ts';
import { HeldRequestHead } from './held-request-head.ts';
import { LineAnswer } from './line-answer.ts';
import { BAD_CHUNKS, RequestBodyDecoder } from './request-body-decoder.ts';

/** Exchanges of one connection that may be under way at the same time. */
const MOST_EXCHANGES = 16;
/** Bytes that wait for their turn: requests that may not be read yet, or answers that may not be written yet. */
const MOST_WAITING_BYTES = 64 * 1024;
/** The rest of a body that nobody wants is read past up to this, so that the connection can go on. */
const MOST_SKIPPED_BYTES = 64 * 1024;
/** What is read and dropped after the last answer, and for how long, so that no reset takes the answer away. */
const MOST_LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2_000;
/** From the first byte of a request's head to its last. */
const HEADER_MS = 10_000;

const UV_EOF = -4095;

// What the next byte from the client belongs to.
const HEAD = 0;
const BODY_LENGTH = 1;
const BODY_CHUNKED = 2;
/** Nothing: the last request has been read. */
const IGNORED = 3;
/** Nothing: the last answer has been given. */
const LINGER = 4;
const CLOSED = 5;

// Bits of #flags: as fields of their own they would be a tenth of an idle connection's memory.
/** Inside the loop over the bytes of one read: what is answered meanwhile leaves at its end. */
const CONSUMING = 1;
/** The newest request is the last. */
const LAST_REQUEST = 2;
/** It was in HTTP/1.0. */
const HTTP_1_0 = 4;
/** All exchanges under way are safe and without a body, so that others may run beside them. */
const ALL_SAFE = 8;
/** The client waits for `100 Continue`, or may. */
const EXPECTS = 16;
/** The client has sent its end. */
const HALF_CLOSED = 32;
/** The body is read no further for now: its exchange says so. */
const BODY_PAUSED = 64;
/** As much waits for its turn as may. */
const KEPT_FULL = 128;
/** The answer that is given says that the connection closes. */
const SAID_CLOSE = 256;
/** The answer that is given is complete, and has not left whole. */
const END_WAITS = 512;
/** The answer that is given is a stream of events. */
const EVENT_STREAM = 1024;
/** The client wants the connection closed after its newest request. */
const ASKED_CLOSE = 2048;

// How the body of an answer is delimited for the client; kept by the exchange while it goes on.
const IN_CHUNKS = 1; // else as it comes

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

const IS_EVENT_STREAM = /^content-type:[ \t]*text\/event-stream/im;

interface OwnedHandle extends StreamHandle {
  /** Its connection. */
  owner?: ClientConnection;
  readonly writeQueueSize?: number;
}

/** Whose handle it is, and what ends it where that is not the handle itself (TLS). */
export interface ClientPeer {
  /** Row in the connection table; -1 = none. */
  readonly index: number;
  /** Canonical text. */
  readonly address: string;
  readonly socket?: { destroy(): void } | undefined;
}

/**
 * One client's connection, for all its exchanges: it reads requests, keeps answers in the order of these, and is the
 * client's side of each. Nearly always one exchange after the other is served; what more there may be (requests that came
 * early, answers that are ready early, a head in pieces, a body in chunks, a wait) is made when it is needed, so that an
 * idle connection is this object and its handle.
 */
export class ClientConnection extends ClientOutput implements ClientSide {
  /** Place in the host's list. */
  at = -1;
  readonly index: number;
  /** By the thread's coarse clock: since then nothing is under way. */
  idleSinceMs: number;
  readonly #host: ConnectionHost;
  readonly #address: string;
  readonly #socket: { destroy(): void } | undefined;
  /** The exchanges under way, in the order of their requests. */
  #first: AnsweredExchange | undefined = undefined;
  #last: AnsweredExchange | undefined = undefined;
  #count = 0;
  #flags = 0;
  #phase = HEAD;
  /** Bytes of the body still to come; bytes dropped, while it lingers. */
  #remaining = 0;
  /** The exchange whose body is arriving. */
  #receiver: AnsweredExchange | undefined = undefined;
  #decoder: RequestBodyDecoder | undefined = undefined;
  #held: HeldRequestHead | undefined = undefined;
  /** Came before its turn. */
  #kept: Buffer | undefined = undefined;
  #timer: ConnectionTimer | undefined = undefined;

  constructor(handle: StreamHandle, host: ConnectionHost, peer: ClientPeer) {
    super(handle, host.tools);
    this.#host = host;
    this.#address = peer.address;
    this.#socket = peer.socket;
    this.index = peer.index;
    this.idleSinceMs = Math.trunc(host.deadlines.nowMs);
    (handle as OwnedHandle).owner = this;
    handle.useUserBuffer(host.readBuffer);
    handle.onread = onRead;
    handle.readStart();
  }

  // ---- what the client sends

  /** @param length of what came, or a negative errno */
  onRead(length: number): void {
    try {
      if (length > 0) this.take(this.#host.readBuffer, 0, length);
      else if (length === UV_EOF) this.#onEnd();
      else if (length < 0) this.destroy();
    } catch (error) {
      this.#host.onFault(error);
      this.destroy();
    }
  }

  /** Bytes [from, to) have come; they may be overwritten. */
  take(bytes: Buffer, from: number, to: number): void {
    if (this.#kept === undefined) this.#consume(bytes, from, to);
    else this.#keep(bytes, from, to);
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    this.#flags |= CONSUMING;
    let at = from;
    while (at < to) {
      switch (this.#phase) {
        case HEAD:
          at = this.#readHead(bytes, at, to);
          break;
        case BODY_LENGTH:
        case BODY_CHUNKED:
          at = this.#readBody(bytes, at, to);
          break;
        case LINGER:
          this.#remaining += to - at;
          if (this.#remaining > MOST_LINGER_BYTES) this.destroy();
          at = to;
          break;
        default:
          at = to;
      }
    }
    this.#flags &= ~CONSUMING;
    this.flushCorked();
  }

  /** Returns where it stopped; what is not of this request, or waits for its turn, counts as read. */
  #readHead(bytes: Buffer, from: number, to: number): number {
    if ((this.#count > 0 || this.pendingWrites > 0) && !this.#mayRunBeside()) {
      this.#keep(bytes, from, to);
      return to;
    }
    const { head } = this.#host;
    let next: number;
    if (this.#held === undefined) {
      const start = skipEmptyLines(bytes, from, to);
      if (start === to) return to; // a device that ends its body with an empty line, and has nothing more to say
      next = head.parse(bytes, start, to);
      if (next === INCOMPLETE) return this.#holdHead(bytes, start, to);
    } else {
      next = this.#held.append(bytes, from, to);
      if (next === INCOMPLETE) return to;
      this.#held = undefined;
      this.#wait(undefined, 0);
    }
    if (next === MALFORMED) return this.#serve(bytes, to, to);
    const besides = isSafe(head.method) && !hasBody(head) && head.minorVersion === 1;
    if (this.#count > 0 && !besides) {
      this.#keep(bytes, from, to);
      return to;
    }
    this.#flags = besides ? this.#flags | ALL_SAFE : this.#flags & ~ALL_SAFE;
    return this.#serve(bytes, next, to);
  }

  #holdHead(bytes: Buffer, from: number, to: number): number {
    if (this.#count > 0) {
      this.#keep(bytes, from, to);
      return to;
    }
    const held = new HeldRequestHead(this.#host.head);
    if (held.append(bytes, from, to) === INCOMPLETE) {
      this.#held = held;
      this.#wait('header', HEADER_MS);
      return to;
    }
    return this.#serve(bytes, to, to);
  }

  /** Whether the next request may be looked at while others are under way. */
  #mayRunBeside(): boolean {
    if (this.pendingWrites > 0 || this.#count >= MOST_EXCHANGES || (this.#flags & ALL_SAFE) === 0) return false;
    let waitingBytes = 0;
    for (let each = this.#first; each !== undefined; each = each.nextInLine)
      waitingBytes += each.heldAnswer?.bytes ?? 0;
    return waitingBytes < MOST_WAITING_BYTES;
  }

  /** What came before its turn, until the exchanges under way are over. */
  #keep(bytes: Buffer, from: number, to: number): void {
    const piece = bytes.subarray(from, to);
    this.#kept = this.#kept === undefined ? Buffer.from(piece) : Buffer.concat([this.#kept, piece]);
    if (this.#kept.length < MOST_WAITING_BYTES || (this.#flags & KEPT_FULL) !== 0) return;
    this.#flags |= KEPT_FULL;
    this.handle.readStop();
  }

  #takeKept(): void {
    const kept = this.#kept;
    if (kept === undefined || (this.#flags & CONSUMING) !== 0) return;
    this.#kept = undefined;
    if ((this.#flags & KEPT_FULL) !== 0) {
      this.#flags &= ~KEPT_FULL;
      this.#readOn();
    }
    this.#consume(kept, 0, kept.length);
  }

  #readOn(): void {
    if (this.#phase !== CLOSED && (this.#flags & (BODY_PAUSED | KEPT_FULL)) === 0) this.handle.readStart();
  }

  /** A head is read, or refused: an exchange begins, with what is here of its body. Returns where it stopped. */
  #serve(bytes: Buffer, from: number, to: number): number {
    const { head } = this.#host;
    const exchange = this.#host.openExchange(this);
    this.#enqueue(exchange);
    this.#flags = head.minorVersion === 0 ? this.#flags | HTTP_1_0 : this.#flags & ~HTTP_1_0;
    if (head.fault !== undefined) this.#flags |= LAST_REQUEST;
    else if (!head.persistent) this.#flags |= LAST_REQUEST | ASKED_CLOSE;
    this.#phase = (this.#flags & LAST_REQUEST) === 0 ? HEAD : IGNORED;
    if (head.fault === undefined && hasBody(head)) this.#expectBody(head, exchange);
    let at = from;
    try {
      if (this.#host.testFaults) injectFault(faultOf(head.fields));
      exchange.start(head);
      while (at < to && this.#receiver === exchange) at = this.#readBody(bytes, at, to);
      exchange.proceed();
    } catch (error) {
      exchange.onFault(error);
    }
    return at;
  }

  #enqueue(exchange: AnsweredExchange): void {
    if (this.#last === undefined) {
      this.#first = exchange;
      this.#host.markBusy(this.index);
    } else {
      this.#last.nextInLine = exchange;
      exchange.heldAnswer = new LineAnswer();
    }
    this.#last = exchange;
    this.#count++;
  }

  #expectBody(head: NativeRequestHead, exchange: AnsweredExchange): void {
    this.#receiver = exchange;
    if (head.expectsContinue) this.#flags |= EXPECTS;
    if (head.chunked) {
      this.#phase = BODY_CHUNKED;
      this.#decoder = new RequestBodyDecoder();
      this.#decoder.reset(head);
    } else {
      this.#phase = BODY_LENGTH;
      this.#remaining = head.contentLength;
    }
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    this.#flags &= ~EXPECTS;
    return this.#phase === BODY_CHUNKED ? this.#readChunks(bytes, from, to) : this.#readLength(bytes, from, to);
  }

  #readLength(bytes: Buffer, from: number, to: number): number {
    const exchange = this.#receiver;
    const end = Math.min(to, from + this.#remaining);
    this.#remaining -= end - from;
    const last = this.#remaining === 0;
    if (last) this.#onBodyRead();
    exchange?.onBody(bytes.subarray(from, end), last);
    return end;
  }

  #readChunks(bytes: Buffer, from: number, to: number): number {
    const exchange = this.#receiver;
    const decoder = this.#decoder as RequestBodyDecoder;
    const next = decoder.decode(bytes, from, to);
    if (next === BAD_CHUNKS) {
      this.#flags |= LAST_REQUEST;
      this.#onBodyRead();
      exchange?.fail('bad_request');
      return to;
    }
    const { start, end, done } = decoder;
    if (done) {
      if (decoder.trailers !== '') exchange?.onTrailers(decoder.trailers);
      this.#onBodyRead();
    }
    if (done || end > start) exchange?.onBody(bytes.subarray(start, end), done);
    return next;
  }

  #onBodyRead(): void {
    this.#receiver = undefined;
    this.#decoder = undefined;
    this.#phase = (this.#flags & LAST_REQUEST) === 0 ? HEAD : IGNORED;
  }

  /** The client has sent its end: it leaves, or waits for what it has asked for; only time tells. */
  #onEnd(): void {
    this.#flags |= HALF_CLOSED;
    const unfinished = this.#receiver !== undefined || this.#held !== undefined || this.#phase === LINGER;
    const first = this.#first;
    if (first === undefined || unfinished || (this.#flags & EVENT_STREAM) !== 0) {
      if (first === undefined && !unfinished && this.#phase !== CLOSED) this.#close();
      else this.destroy();
      return;
    }
    if (!first.answerStarted) this.#wait('half-closed', this.#host.settings.halfCloseMs);
  }

  #wait(wait: Wait | undefined, durationMs: number): void {
    const { deadlines } = this.#host;
    if (this.#timer !== undefined) deadlines.disarm(this.#timer);
    this.#timer = wait === undefined ? undefined : new ConnectionTimer(wait, (over) => this.#onWaitOver(over));
    if (this.#timer !== undefined) deadlines.arm(this.#timer, durationMs);
  }

  #onWaitOver(wait: Wait): void {
    this.#timer = undefined;
    switch (wait) {
      case 'header':
        this.#refuseSlowHead();
        return;
      case 'half-closed': {
        const first = this.#first;
        if (first !== undefined && first.answerStarted) this.#wait('half-closed', this.#host.settings.halfCloseMs);
        else this.destroy();
        return;
      }
      case 'linger':
        this.destroy();
        return;
      default:
        wait satisfies never;
    }
  }

  #refuseSlowHead(): void {
    this.#held = undefined;
    this.#flags |= LAST_REQUEST;
    this.#phase = IGNORED;
    const exchange = this.#host.openExchange(this);
    this.#enqueue(exchange);
    exchange.refuseUnread('request_timeout');
  }

  // ---- what exchanges do to the client

  peerAddress(): string {
    return this.#address;
  }

  local(exchange: AnsweredExchange, answer: LocalAnswer): void {
    if (this.#phase === CLOSED) return;
    const closes = this.#closesAfter(exchange, answer.close);
    const body = utf8AsLatin1(answer.text);
    const head = localHead(exchange, answer, this.#ownLines(`content-length: ${body.length}\r\n`, closes));
    if (exchange.method === 'HEAD' || body === '') {
      this.#emit(exchange, head);
    } else {
      exchange.bytesSent = body.length;
      this.#emit(exchange, head + body);
    }
    this.#complete(exchange, closes);
  }

  informational(exchange: AnsweredExchange, statusLine: string, fields: string): void {
    const wanted = this.#host.settings.forwardInformational && (this.#flags & HTTP_1_0) === 0;
    if (!wanted || exchange !== this.#first || this.#phase === CLOSED) return;
    exchange.informed = true;
    this.write(`HTTP/1.1 ${statusLine}\r\n${fields === '' ? '' : `${fields}\r\n`}\r\n`);
  }

  forward(exchange: AnsweredExchange, read: Connection): void {
    if (this.#phase === CLOSED) return;
    this.#send(exchange, read.headArrived ? this.#beginAnswer(exchange, read) : '', read);
    if (this.#phase === CLOSED) return;
    if (read.complete) this.#complete(exchange, exchange === this.#last && (this.#flags & LAST_REQUEST) !== 0);
    else if (this.pendingWrites > 0 && exchange === this.#first) exchange.onClientBlocked();
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
    if ((this.#flags & HTTP_1_0) !== 0) {
      this.#flags |= LAST_REQUEST; // what HTTP/1.0 knows of unknown lengths is the end of the connection
      return this.#headOf(exchange, read, '');
    }
    exchange.answerFraming = IN_CHUNKS;
    return this.#headOf(exchange, read, 'transfer-encoding: chunked\r\n');
  }

  #headOf(exchange: AnsweredExchange, { parser }: Connection, framing: string): string {
    return upstreamHead(exchange, parser, this.#ownLines(framing, this.#closesAfter(exchange, false)));
  }

  #ownLines(framing: string, closes: boolean): string {
    if (closes) return `${this.#host.dateLine}${framing}connection: close\r\n`;
    if ((this.#flags & HTTP_1_0) !== 0) return `${this.#host.dateLine}${framing}connection: keep-alive\r\n`;
    return this.#host.dateLine + framing;
  }

  /**
   * Whether the answer says that the connection closes after it. Then nothing more is read from the client: what follows
   * has no answer (RFC 9112, section 9.6).
   */
  #closesAfter(exchange: AnsweredExchange, wanted: boolean): boolean {
    if (exchange !== this.#last) return wanted;
    const closes =
      wanted || (this.#flags & (LAST_REQUEST | HALF_CLOSED)) !== 0 || exchange.drains || this.#bodyIsLong(exchange);
    if (closes) {
      this.#flags |= LAST_REQUEST;
      if (this.#phase === HEAD) this.#phase = IGNORED;
      this.#kept = undefined;
    }
    return closes;
  }

  /** The rest of its body is more than is worth reading to keep the connection, or perhaps never comes. */
  #bodyIsLong(exchange: AnsweredExchange): boolean {
    if (this.#receiver !== exchange) return false;
    return this.#phase === BODY_CHUNKED || (this.#flags & EXPECTS) !== 0 || this.#remaining > MOST_SKIPPED_BYTES;
  }

  #onEventStream(exchange: AnsweredExchange): void {
    if (exchange !== this.#first) return;
    this.#flags |= EVENT_STREAM;
    if ((this.#flags & HALF_CLOSED) !== 0) this.destroy(); // it would be sent to nobody for ever
  }

  cut(exchange: AnsweredExchange): void {
    if (this.#phase === CLOSED) return;
    const { heldAnswer } = exchange;
    if (heldAnswer !== undefined) (heldAnswer as LineAnswer).cut = true;
    else this.destroy();
  }

  wantBody(exchange: AnsweredExchange): void {
    if (this.#receiver !== exchange || (this.#flags & EXPECTS) === 0 || this.#phase === CLOSED) return;
    this.#flags &= ~EXPECTS;
    this.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  pauseBody(exchange: AnsweredExchange): void {
    if (this.#receiver !== exchange || this.#phase === CLOSED) return;
    this.#flags |= BODY_PAUSED;
    this.handle.readStop();
  }

  resumeBody(): void {
    if ((this.#flags & BODY_PAUSED) === 0) return;
    this.#flags &= ~BODY_PAUSED;
    this.#readOn();
  }

  keepUploadAlive(): void {} // nobody but us has a clock on it

  unsentBytes(): number {
    return (this.handle as OwnedHandle).writeQueueSize ?? 0;
  }

  // ---- answers in their order

  /** Text of one char a byte. */
  #emit(exchange: AnsweredExchange, text: string): void {
    if (this.#phase === CLOSED) return;
    if (exchange !== this.#first) {
      const held = exchange.heldAnswer as LineAnswer;
      held.text += text;
      if (held.text.length <= MOST_WAITING_BYTES || held.complete) return;
      held.blocked = true;
      exchange.onClientBlocked();
    } else if (this.#count === 1 && (this.#flags & CONSUMING) === 0) {
      this.write(text);
    } else {
      // More may be ready in this turn of the loop: they leave in one write.
      this.cork(text);
      if ((this.#flags & CONSUMING) === 0) this.#host.flushSoon(this);
    }
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
    } else if (exchange !== this.#first || before.length + bytes + after.length <= MOST_TEXT_BYTES) {
      this.#emit(exchange, before + latin1(readBuffer, bodyStart, bodyEnd) + after);
    } else if (this.#phase !== CLOSED) {
      this.writePiece(before, readBuffer.subarray(bodyStart, bodyEnd), after);
    }
  }

  flushCorked(): void {
    if (this.#phase !== CLOSED && this.hasCorked) this.flush();
  }

  /** The answer has been given to us, whole. */
  #complete(exchange: AnsweredExchange, closes: boolean): void {
    if (exchange !== this.#first) {
      const held = exchange.heldAnswer as LineAnswer;
      held.complete = true;
      held.closes = closes;
      return;
    }
    if (closes) this.#flags |= SAID_CLOSE;
    if (this.pendingWrites === 0) {
      this.#finish(exchange);
      return;
    }
    this.#flags |= END_WAITS;
    exchange.onClientBlocked();
  }

  /** The answer of the first exchange has left, and those behind it that are ready. */
  #finish(exchange: AnsweredExchange): void {
    let done: AnsweredExchange | undefined = exchange;
    while (done !== undefined) {
      const next: AnsweredExchange | undefined = done.nextInLine;
      this.#first = next;
      this.#count--;
      if (next === undefined) this.#last = undefined;
      done.nextInLine = undefined;
      this.#flags &= ~EVENT_STREAM;
      done.onAnswered();
      if ((this.#flags & SAID_CLOSE) !== 0) {
        this.#close();
        return;
      }
      done = next === undefined ? undefined : this.#promote(next);
    }
    if (this.#first !== undefined) return;
    this.idleSinceMs = Math.trunc(this.#host.deadlines.nowMs);
    this.#host.markIdle(this.index);
    if ((this.#flags & HALF_CLOSED) !== 0) this.#close();
    else this.#takeKept();
  }

  /** The turn of this exchange has come. @returns it, if its answer was given with that */
  #promote(exchange: AnsweredExchange): AnsweredExchange | undefined {
    const held = exchange.heldAnswer as LineAnswer;
    exchange.heldAnswer = undefined;
    if (held.cut) {
      this.destroy();
      return undefined;
    }
    if (held.text !== '') this.#emit(exchange, held.text);
    if (held.complete) {
      if (held.closes) this.#flags |= SAID_CLOSE;
      return exchange;
    }
    if (held.blocked) exchange.onClientDrained();
    return undefined;
  }

  protected override onDrained(): void {
    if (this.#phase === CLOSED) return;
    const first = this.#first;
    if (first === undefined) {
      this.#takeKept();
    } else if ((this.#flags & END_WAITS) !== 0) {
      this.#flags &= ~END_WAITS;
      this.#finish(first);
    } else {
      first.onClientDrained();
    }
  }

  protected override onWriteFailed(): void {
    this.destroy();
  }

  // ---- the end

  /** Nothing is under way: whether it may be closed for its silence. */
  isIdle(): boolean {
    return this.#count === 0 && this.#held === undefined && this.#phase !== LINGER;
  }

  /** An idle connection is given up; the client hears of it in order. */
  closeIdle(): void {
    if (this.isIdle()) this.#close();
  }

  /**
   * Nothing more is said to the client. What it still sends is read and dropped for a while: a connection that is closed
   * with unread bytes in it is reset, and the reset may overtake the last answer (RFC 9112, section 9.6).
   */
  #close(): void {
    if (this.#phase === CLOSED || this.#phase === LINGER) return;
    for (let each = this.#first; each !== undefined; each = each.nextInLine) each.onClientGone();
    this.#first = undefined;
    this.#last = undefined;
    this.#count = 0;
    if (this.hasCorked) this.flush();
    if (this.#phase === CLOSED) return; // the write failed
    // The client has said all that it was going to say, so nothing of it can be in the way.
    const clean = this.#phase === IGNORED && this.#receiver === undefined && (this.#flags & ASKED_CLOSE) !== 0;
    this.#phase = LINGER;
    this.#receiver = undefined;
    this.#decoder = undefined;
    this.#kept = undefined;
    this.#remaining = 0;
    const request = new this.tools.handles.ShutdownRequest();
    request.oncomplete = () => {
      if (clean || (this.#flags & HALF_CLOSED) !== 0) this.destroy();
    };
    if (this.handle.shutdown(request) !== 0) {
      this.destroy();
      return;
    }
    this.#flags &= ~(BODY_PAUSED | KEPT_FULL);
    this.handle.readStart();
    this.#wait('linger', LINGER_MS);
  }

  /** Ends the connection at once; exchanges under way hear that their client is gone. */
  destroy(): void {
    if (this.#phase === CLOSED) return;
    this.#phase = CLOSED;
    this.#wait(undefined, 0);
    this.#kept = undefined;
    this.#held = undefined;
    this.#receiver = undefined;
    this.#decoder = undefined;
    this.handle.onread = nothing;
    if (this.#socket === undefined) this.handle.close();
    else this.#socket.destroy();
    this.#host.onClosed(this);
    let each = this.#first;
    this.#first = undefined;
    this.#last = undefined;
    this.#count = 0;
    while (each !== undefined) {
      const next: AnsweredExchange | undefined = each.nextInLine;
      each.nextInLine = undefined;
      each.heldAnswer = undefined;
      each.onClientGone();
      each = next;
    }
  }
}

function onRead(this: OwnedHandle): void {
  const { owner } = this;
  if (owner === undefined) return;
  const { streamState, READ_BYTES_OR_ERROR } = owner.tools.handles;
  owner.onRead(streamState[READ_BYTES_OR_ERROR] as number);
}

const nothing = (): void => undefined;

const hasBody = (head: NativeRequestHead): boolean => head.contentLength > 0 || head.chunked;

const FAULT = new RegExp(`^${FAULT_FIELD}: (.*)\r$`, 'im');
const faultOf = (fields: string): string => FAULT.exec(fields)?.[1] ?? '';

const lastChunk = ({ takesTrailers }: AnsweredExchange, { parser }: Connection): string =>
  takesTrailers && parser.trailers !== '' ? `0\r\n${parser.trailers}\r\n` : '0\r\n\r\n';
