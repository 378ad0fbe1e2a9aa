import type { Forwarding } from './forwarding.ts';
import type { Connection } from './upstream/connection.ts';

/** A head and a body up to this go out in one buffer; above it, in one writev. */
const ONE_BUFFER_BYTES = 16 * 1024;

/** The slowest a client may send, on average over the window, while the upstream takes what comes: 64 bytes a second. */
const RATE_WINDOW_MS = 20_000;
const LEAST_WINDOW_BYTES = 1_280;

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** One chunk of RFC 9112, section 7.1, in one buffer, so that it is one write. */
function chunk(piece: Buffer): Buffer {
  const size = Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, piece, CRLF]);
}

/**
 * A request body on its way from the client to the upstream. Neither side is read faster than the other takes it: while
 * the upstream's socket is full, or there is none yet, the client's is paused.
 */
export class Upload {
  receivedBytes = 0;
  /** The client has sent all of it. */
  ended = false;
  /** Bytes went out that are no longer held: the request cannot be sent a second time. */
  streamed = false;
  readonly #exchange: Forwarding;
  /** Content-Length as the client declared it; -1 = chunked, not known before its end. */
  readonly #declaredBytes: number;
  /** Arrived before a connection was there, or kept for a retry. */
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #connection: Connection | undefined = undefined;
  #paused = false;
  #lookedMs = 0;
  #lookedBytes = 0;

  constructor(exchange: Forwarding, declaredBytes: number) {
    this.#exchange = exchange;
    this.#declaredBytes = declaredBytes;
  }

  /** Something of it is here, so that head and body can go out in one write. */
  get begun(): boolean {
    return this.ended || this.#heldBytes > 0;
  }

  /** The upstream's socket is what the upload waits for, not the client. */
  get upstreamBlocked(): boolean {
    const connection = this.#connection;
    return connection !== undefined && (connection.socket.writableNeedDrain || connection.pendingWrites > 0);
  }

  /** @param piece uWS's memory, gone when this returns */
  receive(piece: ArrayBuffer, last: boolean): void {
    this.receivedBytes += piece.byteLength;
    this.ended = last;
    if (last) this.#resume(); // pieces already read still come after a pause, so the last one may; nothing is held back now
    const copy = Buffer.allocUnsafe(piece.byteLength); // small ones from the pool: an ArrayBuffer of their own is dear
    copy.set(new Uint8Array(piece));
    const connection = this.#connection;
    if (connection !== undefined) {
      this.#stream(connection, copy);
      return;
    }
    if (copy.length > 0) {
      this.#held.push(copy);
      this.#heldBytes += copy.length;
    }
    this.#exchange.onUploadBegins();
    if (!last && this.#connection === undefined) this.#pause();
  }

  /** Sends the head and what there is of the body. @param head request line and fields, without framing and empty line */
  send(connection: Connection, head: string): void {
    const whole = this.ended;
    const chunked = !whole && this.#declaredBytes < 0;
    const encoding = this.#exchange.headEncoding;
    const text = `${head}${this.#framingField()}\r\n`;
    const { socket } = connection;
    if (this.#heldBytes <= ONE_BUFFER_BYTES && !chunked) {
      connection.write(this.#oneBuffer(text, encoding), encoding);
    } else {
      socket.cork();
      socket.write(text, encoding);
      for (const piece of this.#held) socket.write(chunked ? chunk(piece) : piece);
      socket.uncork();
    }
    if (whole) {
      this.#exchange.onRequestSent(connection);
      return;
    }
    this.#connection = connection;
    this.#held.length = 0;
    this.#heldBytes = 0;
    this.streamed = true;
    this.#exchange.onUploadProgress();
    if (!socket.writableNeedDrain) this.#resume();
  }

  /** The upstream takes more. */
  onDrain(): void {
    if (this.#connection === undefined) return;
    this.#exchange.onUploadProgress();
    this.#resume();
  }

  /**
   * uWS cuts uploads slower than it likes. A pause and resume starts its clock again; how long a client may be silent is
   * decided by the route's time-out, and how slow it may be here.
   * @returns `false` when the client has sent too little for too long: such a one would hold an upstream's connection
   */
  keepAlive(nowMs: number): boolean {
    if (this.ended) return true;
    if (this.#paused || this.#lookedMs === 0) {
      this.#lookedMs = nowMs;
      this.#lookedBytes = this.receivedBytes;
    } else if (nowMs - this.#lookedMs >= RATE_WINDOW_MS) {
      if (this.receivedBytes - this.#lookedBytes < LEAST_WINDOW_BYTES) return false;
      this.#lookedMs = nowMs;
      this.#lookedBytes = this.receivedBytes;
    }
    if (this.#paused) return true;
    this.#exchange.answer.pause();
    this.#exchange.answer.resume();
    return true;
  }

  /** Nobody wants the rest: let the client send it into the void, so that its connection can go on. */
  discard(): void {
    this.#connection = undefined;
    this.#held.length = 0;
    this.#resume();
  }

  /**
   * The framing field for what is known when the request is sent: a length where there is one, else chunked. It is what
   * we counted or what the front enforces, never a copy of the client's field (RFC 9112, section 6.3).
   */
  #framingField(): string {
    if (this.ended) return `content-length: ${this.receivedBytes}\r\n`;
    return this.#declaredBytes >= 0 ? `content-length: ${this.#declaredBytes}\r\n` : 'transfer-encoding: chunked\r\n';
  }

  #oneBuffer(head: string, encoding: 'latin1' | 'utf8'): Buffer {
    const headBytes = encoding === 'latin1' ? head.length : Buffer.byteLength(head);
    const buffer = Buffer.allocUnsafe(headBytes + this.#heldBytes);
    buffer.write(head, encoding);
    let at = headBytes;
    for (const piece of this.#held) {
      buffer.set(piece, at);
      at += piece.length;
    }
    return buffer;
  }

  #stream(connection: Connection, piece: Buffer): void {
    const { socket } = connection;
    const chunked = this.#declaredBytes < 0;
    let ready = true;
    if (piece.length > 0) ready = socket.write(chunked ? chunk(piece) : piece);
    if (this.ended) {
      if (chunked) socket.write(LAST_CHUNK);
      this.#exchange.onRequestSent(connection);
      return;
    }
    this.#exchange.onUploadProgress();
    if (!ready) this.#pause();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#exchange.answer.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#exchange.answer.resume();
  }
}
