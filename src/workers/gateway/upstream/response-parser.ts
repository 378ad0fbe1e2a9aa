import { BAD_CHUNKS, ChunkedDecoder } from './chunked-decoder.ts';
import { trailersToPassOn } from './field-rules.ts';
import { HeldHead } from './held-head.ts';
import type { KnownHead } from './known-head.ts';
import { INCOMPLETE, MALFORMED, ResponseHead } from './response-head.ts';

/** What the owner of the connection learns about the answer, in this order. */
export interface ResponseHandler {
  /**
   * A 102 or 103 head has come, before the final one; the parser's head fields are its own until this returns. Of all
   * callbacks the only one that may come several times.
   */
  onInformational(): void;
  /** The final response head is complete (other 1xx are read past). The parser's head fields are valid until begin(). */
  onHead(): void;
  /** Decoded body bytes [start, end) of chunk; the memory is reused after return. */
  onBody(chunk: Buffer, start: number, end: number): void;
  /** The message is complete; `parser.reusable` says whether the socket may carry another. Begin() may be called here. */
  onComplete(): void;
}

/**
 * Why an answer is refused: not valid HTTP/1.1; a head that is too long; the peer closed inside the message; the peer
 * closed before any byte of it; bytes while no exchange is open.
 */
export type ParseFault = 'bad_response' | 'head_too_large' | 'truncated' | 'no_response' | 'unsolicited';

/** More 1xx heads than this before an answer is an attack on whoever waits for it. */
const MAX_INFORMATIONAL = 16;

const IDLE = 0; // no exchange is open
const HEAD = 1;
const BODY_LENGTH = 2;
const BODY_CHUNKED = 3;
const BODY_CLOSE = 4; // everything up to the end of the connection
const DEAD = 5; // faulted, aborted or misused; the socket must go

/**
 * Reads the answers on one connection, one exchange at a time. Extends the head so that its fields are read from the
 * parser without a hop. Nothing here waits or throws; callbacks may call abort(), and onComplete may call begin().
 */
export class ResponseParser extends ResponseHead {
  bodyKind: 'none' | 'length' | 'chunked' | 'close' = 'none';
  /** False for a close-delimited answer, Connection: close, HTTP/1.0 without keep-alive, and bytes after the message. */
  reusable = false;
  /** Trailer lines of a chunked answer that may be passed on, each with its CRLF; complete when the message is. */
  trailers = '';
  /** Another request is on its way already, so bytes after the message begin its answer. Set by the owner. */
  expectsMore = false;
  /** The request asked for another protocol: a 101 is an answer, the last on this connection. Set by the owner. */
  mayUpgrade = false;
  /** Index after the message, in the read that ended it. */
  end = 0;
  /** Some byte of this exchange's answer has arrived (1xx count). */
  started = false;
  readonly #handler: ResponseHandler;
  readonly #maxHeadBytes: number;
  readonly #chunks = new ChunkedDecoder();
  #phase = IDLE;
  #fault: ParseFault | undefined;
  #isHead = false;
  /** 1xx heads read in this exchange. */
  #informational = 0;
  /** Body bytes still to come (BODY_LENGTH). */
  #remaining = 0;
  /** The body bytes of the read being handled, and whether they are the last. */
  #bodyStart = 0;
  #bodyEnd = 0;
  #bodyDone = false;
  /** Only while a head is split over reads. */
  #held: HeldHead | undefined;

  /**
   * @param options.known what is known of the same server's heads
   * @param options.maxHeadBytes of one head, from the status line to its empty line
   */
  constructor(
    handler: ResponseHandler,
    options: { readonly known?: KnownHead | undefined; readonly maxHeadBytes: number },
  ) {
    super(options.known);
    this.#handler = handler;
    this.#maxHeadBytes = options.maxHeadBytes;
  }

  /** An exchange is open: begun, neither complete nor failed. */
  get active(): boolean {
    return this.#phase !== IDLE && this.#phase !== DEAD;
  }

  /** A request was sent. Only between exchanges: anything else would mix up answers, so it kills the parser. */
  begin(method: string): void {
    if (this.#phase !== IDLE) {
      this.#fail('unsolicited');
      return;
    }
    this.#phase = HEAD;
    this.#isHead = method === 'HEAD';
    this.#informational = 0;
    this.started = false;
    this.refusedStatus = 0;
    this.reusable = false;
    this.trailers = '';
  }

  /** No more callbacks, not even from an execute() that is running; it returns undefined. */
  abort(): void {
    this.#phase = DEAD;
    this.#fault = undefined;
    this.#held = undefined;
  }

  /**
   * Feeds bytes [from, length) of `chunk`, which may be overwritten. A fault is final: destroy the socket. If the head and
   * a broken body arrive together, there is only the fault, so the client can still be told.
   */
  execute(chunk: Buffer, length: number, from = 0): ParseFault | undefined {
    if (length === from || this.#phase === DEAD) return this.#fault;
    if (this.#phase === IDLE) return this.#fail('unsolicited');
    let at = from;
    const awaitsHead = this.#phase === HEAD;
    if (awaitsHead) {
      this.started = true;
      at = this.#readHeads(chunk, at, length);
      if (this.#phase === HEAD || this.#phase === DEAD) return this.#fault;
    }
    at = this.#readBody(chunk, at, length);
    if (at === BAD_CHUNKS) return this.#fail('bad_response');
    // Bytes after the message answer nothing that was asked; whatever they are, nobody may get them.
    if (at < length && !this.expectsMore) this.reusable = false;
    this.end = at;

    // All state is settled: a callback may abort, and no longer sees or changes anything half done.
    if (awaitsHead) {
      this.#handler.onHead();
      if (this.#isDead()) return undefined;
    }
    if (this.#bodyEnd > this.#bodyStart) {
      this.#handler.onBody(chunk, this.#bodyStart, this.#bodyEnd);
      if (this.#isDead()) return undefined;
    }
    if (this.#bodyDone) {
      this.#phase = IDLE;
      this.#handler.onComplete();
    }
    return undefined;
  }

  /** The peer closed. Completes a close-delimited message, or returns the fault; undefined between exchanges. */
  finish(): ParseFault | undefined {
    if (this.#phase === BODY_CLOSE) {
      this.#phase = IDLE;
      this.#handler.onComplete();
      return undefined;
    }
    if (this.#phase === IDLE || this.#phase === DEAD) return this.#fault;
    return this.#fail(this.started ? 'truncated' : 'no_response');
  }

  /** Its own method, as the compiler takes a phase it has seen for a phase that stays. */
  #isDead(): boolean {
    return this.#phase === DEAD;
  }

  #fail(fault: ParseFault): ParseFault {
    this.#phase = DEAD;
    this.#held = undefined;
    this.#fault = fault;
    return fault;
  }

  /** Reads past 1xx heads and through the final one, which opens a body phase. Returns the index after the last head read. */
  #readHeads(chunk: Buffer, from: number, length: number): number {
    let at = from;
    while (at < length) {
      const end = this.#held === undefined ? this.#readHead(chunk, at, length) : this.#readHeldHead(chunk, at, length);
      if (end === MALFORMED) this.#fail('bad_response');
      if (end <= 0) return length;
      at = end;
      if (this.status >= 200 || (this.status === 101 && this.mayUpgrade)) {
        this.#openBody();
        return at;
      }
      // 101 would switch protocols, which nobody has asked for.
      if (this.status === 101 || ++this.#informational > MAX_INFORMATIONAL) {
        this.#fail('bad_response');
        return length;
      }
      // 100 is between us and the upstream, and what others mean nobody knows.
      if (this.status === 102 || this.status === 103) this.#handler.onInformational();
      if (this.#isDead()) return length;
    }
    return at;
  }

  /** The usual case: the head is whole in one read, and is parsed where it lies. */
  #readHead(chunk: Buffer, at: number, length: number): number {
    const limit = Math.min(length, at + this.#maxHeadBytes);
    const end = this.parse(chunk, at, limit);
    if (end !== INCOMPLETE) return end;
    this.#held = new HeldHead(this.#maxHeadBytes);
    return this.#readHeldHead(chunk, at, length);
  }

  #readHeldHead(chunk: Buffer, at: number, length: number): number {
    const held = this.#held;
    if (held === undefined) return MALFORMED;
    const end = held.append(chunk, at, length);
    if (end === MALFORMED) this.parse(held.bytes, 0, held.length); // to see whether its status line was good
    if (end === INCOMPLETE && held.isFull()) this.#fail('head_too_large');
    if (end <= 0) return end;
    this.#held = undefined;
    return this.parse(held.bytes, 0, held.length) === held.length ? end : MALFORMED;
  }

  /** RFC 9112 6.3. */
  #openBody(): void {
    this.reusable = this.persistent;
    this.#phase = BODY_LENGTH;
    this.#remaining = 0;
    if (this.status === 101) {
      this.bodyKind = 'none'; // what follows is the other protocol's
      this.reusable = false;
    } else if (this.#isHead || this.status === 204 || this.status === 304) {
      this.bodyKind = 'none';
    } else if (this.chunked) {
      this.bodyKind = 'chunked';
      this.#phase = BODY_CHUNKED;
      this.#chunks.reset();
    } else if (this.contentLength >= 0) {
      this.bodyKind = 'length';
      this.#remaining = this.contentLength;
    } else {
      this.bodyKind = 'close';
      this.#phase = BODY_CLOSE;
      this.reusable = false;
    }
  }

  /** Finds the body bytes in [at, length). Returns where they and their framing end, or BAD_CHUNKS. */
  #readBody(chunk: Buffer, at: number, length: number): number {
    this.#bodyStart = at;
    if (this.#phase === BODY_CHUNKED) {
      const end = this.#chunks.decode(chunk, at, length);
      this.#bodyStart = this.#chunks.start;
      this.#bodyEnd = this.#chunks.end;
      this.#bodyDone = this.#chunks.done;
      if (this.#bodyDone && this.#chunks.trailerSection !== '') {
        this.trailers = trailersToPassOn(this.#chunks.trailerSection, this.listed ?? []);
      }
      return end;
    }
    this.#bodyEnd = this.#phase === BODY_CLOSE ? length : Math.min(length, at + this.#remaining);
    this.#remaining -= this.#bodyEnd - at;
    this.#bodyDone = this.#phase === BODY_LENGTH && this.#remaining === 0;
    return this.#bodyEnd;
  }
}
