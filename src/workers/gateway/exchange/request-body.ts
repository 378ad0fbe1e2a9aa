import type { ErrorCode } from '../../../shared/errors.ts';
import type { DeadlineList, Deadlines, Waiting } from '../deadlines.ts';
import type { Connection } from '../upstream/connection.ts';
import { latin1 } from '../upstream/http-bytes.ts';
import { BodyDiscard, DISCARD_QUIET_MS } from './body-discard.ts';
import { GATHERED_BYTES, GatheredBody } from './gathered-body.ts';
import type { BodyRoom } from './gathered-body.ts';
import { LEAST_PACED_MS, LEAST_WINDOW_BYTES, RATE_WINDOW_MS } from './least-rate.ts';

/** A head and a body up to this go out in one buffer; above it, in one writev. */
const ONE_BUFFER_BYTES = 16 * 1024;

/** A body up to this is kept as a string: libuv copies it, with the head, to its stack and tries at once. */
const MOST_TEXT_BYTES = 12 * 1024;

/** A body of unknown length is not gathered for longer: its client may wait for an answer before it sends on. */
const GATHER_MS = 250;

const CRLF = Buffer.from('\r\n');
const CHUNKED = 'transfer-encoding: chunked\r\n';
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** One chunk of RFC 9112, section 7.1, in one buffer, so that it is one write. */
function chunk(piece: Buffer): Buffer {
  const size = Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, piece, CRLF]);
}

/** The end of such a body. @param trailers each with its CRLF, one char a byte */
const lastChunk = (trailers: string): Buffer =>
  trailers === '' ? LAST_CHUNK : Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');

/** Small ones from the pool: an ArrayBuffer of their own is dear. */
function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}

/** Whose body it is: the exchange. */
export interface BodyOwner {
  readonly deadlines: Deadlines;
  readonly bodyRoom: BodyRoom;
  /** How long a client may be silent in the middle of it. */
  readonly bodyIdleMs: number;
  /** The client is read no further, until resumeBody. */
  pauseBody(): void;
  resumeBody(): void;
  /** As much of it is here as is waited for. */
  onBodyBegins(): void;
  /** Some of it is here, and more is waited for. */
  onGathering(): void;
  /** The client has gone silent before enough of it was here. */
  onBodyStalled(): void;
  /** Some of it went to the upstream, and more is to come. */
  onUploadProgress(): void;
  /** All of it went to the upstream. */
  onRequestSent(connection: Connection): void;
  /** Nobody wanted it, and the client has sent it or waits for its answer. */
  onDiscarded(code: ErrorCode): void;
}

/**
 * The body of one request on its way from the client: held until there is a connection, then streamed to the upstream, or
 * thrown away. Neither side is read faster than the other takes it: while the upstream's socket is full, or there is none
 * yet, the client's is paused.
 */
export class RequestBody implements Waiting {
  /** Without what was thrown away. */
  receivedBytes = 0;
  /** The client has sent all of it. */
  ended = false;
  /** Bytes went out that are no longer held: the request cannot be sent a second time. */
  streamed = false;
  /** Trailer lines, each with its CRLF; they go out where the body does in chunks. */
  trailers = '';
  readonly #owner: BodyOwner;
  /** Content-Length as the client declared it; -1 = chunked, not known before its end. */
  readonly #declaredBytes: number;
  /** Arrived before a connection was there, or kept for a retry. */
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #gathered: GatheredBody | undefined = undefined;
  /** More of it is waited for before a connection is taken. */
  #gathering = false;
  /** What is here is enough: it has been waited for long enough. */
  #enough = false;
  /** All of a small body that came in one piece, one char a byte: it goes out in one string with the head. */
  #text = '';
  #connection: Connection | undefined = undefined;
  #discard: BodyDiscard | undefined = undefined;
  #paused = false;
  #lookedMs = 0;
  #lookedBytes = 0;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(owner: BodyOwner, declaredBytes: number) {
    this.#owner = owner;
    this.#declaredBytes = declaredBytes;
  }

  /** As much of it is here as is waited for before a connection of the upstream is taken. */
  get begun(): boolean {
    if (this.ended || this.#enough) return true;
    const bytes = this.#heldBytes + (this.#gathered?.length ?? 0);
    return bytes >= GATHERED_BYTES || (bytes > 0 && this.#owner.bodyRoom.isFull);
  }

  /** Waits for enough of it. @returns `false` where no room is left to gather it: then it is streamed as it comes */
  gather(): boolean {
    if (this.#owner.bodyRoom.isFull) return false;
    this.#gathering = true;
    this.#awaitMore();
    return true;
  }

  /** All of it, before it is sent. @returns undefined: not all of it is held, or it is more than is gathered */
  copy(): Buffer | undefined {
    if (!this.ended || this.streamed || this.trailers !== '' || this.receivedBytes > GATHERED_BYTES) return undefined;
    this.#keepGathered();
    return this.#text === '' ? Buffer.concat(this.#held) : Buffer.from(this.#text, 'latin1');
  }

  /** More may come, and nothing says how much. */
  get openEnded(): boolean {
    return this.#declaredBytes < 0 && !this.ended;
  }

  /** The client is not asked for more at the moment. */
  get paused(): boolean {
    return this.#paused;
  }

  get discarding(): boolean {
    return this.#discard !== undefined;
  }

  /** The upstream's socket is what the upload waits for, not the client. */
  get upstreamBlocked(): boolean {
    return this.#connection?.isFull === true;
  }

  /** Takes bytes [from, to) of memory that is the front's own, and gone when this returns. The last are so once `ended` is set. */
  receive(bytes: Buffer, from: number, to: number): void {
    const last = this.ended;
    if (this.#discard !== undefined) {
      this.#onDiscarded(this.#discard, to - from);
      return;
    }
    const first = this.receivedBytes === 0;
    this.receivedBytes += to - from;
    if (last) this.#resume(); // pieces already read still come after a pause, so the last one may; nothing is held back now
    const connection = this.#connection;
    if (connection !== undefined) {
      this.#stream(connection, copyOf(bytes, from, to));
      return;
    }
    if (first && last && to - from <= MOST_TEXT_BYTES) {
      this.#text = latin1(bytes, from, to);
    } else if (to > from) {
      this.#hold(bytes, from, to);
    }
    if (!this.begun) {
      if (this.#gathering) this.#awaitMore();
      return;
    }
    this.#gathering = false;
    this.#owner.onBodyBegins();
    if (!last && this.#connection === undefined) this.#pause();
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    const whole = this.#gathered === undefined && (this.ended || to - from >= GATHERED_BYTES);
    if (whole || this.#enough || this.#owner.bodyRoom.isFull) {
      this.#keepGathered();
      this.#held.push(copyOf(bytes, from, to));
      this.#heldBytes += to - from;
      return;
    }
    this.#gathered ??= new GatheredBody(this.#owner.bodyRoom);
    this.#gathered.take(bytes, from, to);
  }

  /** What was gathered is held like what came in one piece. */
  #keepGathered(): void {
    const gathered = this.#gathered?.give();
    if (gathered === undefined) return;
    this.#gathered = undefined;
    this.#held.push(gathered);
    this.#heldBytes += gathered.length;
  }

  #awaitMore(): void {
    const { bodyIdleMs, deadlines } = this.#owner;
    if (this.#declaredBytes >= 0) deadlines.arm(this, bodyIdleMs);
    else if (this.deadlineList === undefined) deadlines.arm(this, GATHER_MS);
    this.#owner.onGathering();
  }

  /** Sends the head and what there is of the body. @param head request line and fields, without framing and empty line */
  send(connection: Connection, head: string, encoding: 'latin1' | 'utf8'): void {
    this.#owner.deadlines.disarm(this);
    this.#keepGathered();
    const whole = this.ended;
    const chunked = this.#declaredBytes < 0 && (!whole || this.trailers !== '');
    const text = `${head}${chunked ? CHUNKED : this.#lengthField()}\r\n`;
    if (this.#text !== '' && encoding === 'latin1' && !chunked) {
      connection.write(text + this.#text, encoding);
      this.#owner.onRequestSent(connection);
      return;
    }
    if (this.#text !== '') {
      this.#held.push(Buffer.from(this.#text, 'latin1'));
      this.#heldBytes = this.#text.length;
      this.#text = '';
    }
    if (this.#heldBytes <= ONE_BUFFER_BYTES && !chunked) {
      connection.write(this.#oneBuffer(text, encoding), encoding);
    } else {
      const pieces = [Buffer.from(text, encoding), ...(chunked ? this.#held.map(chunk) : this.#held)];
      if (chunked && whole) pieces.push(lastChunk(this.trailers));
      connection.writeAll(pieces);
    }
    if (whole) {
      this.#owner.onRequestSent(connection);
      return;
    }
    this.#connection = connection;
    this.#held.length = 0;
    this.#heldBytes = 0;
    this.streamed = true;
    this.#owner.onUploadProgress();
    if (!connection.isFull) this.#resume();
  }

  /** The upstream takes more. */
  onDrain(): void {
    if (this.#connection === undefined) return;
    this.#owner.onUploadProgress();
    this.#resume();
  }

  /** @returns `false` when the client has sent too little for too long: such a one would hold an upstream's connection */
  isFastEnough(nowMs: number): boolean {
    if (this.ended) return true;
    if (this.#paused || this.#lookedMs === 0) {
      this.#lookedMs = nowMs;
      this.#lookedBytes = this.receivedBytes;
    } else if (nowMs - this.#lookedMs >= RATE_WINDOW_MS) {
      if (this.receivedBytes - this.#lookedBytes < LEAST_WINDOW_BYTES) return false;
      this.#lookedMs = nowMs;
      this.#lookedBytes = this.receivedBytes;
    }
    return true;
  }

  /** Bytes a second while the client is waited for; Infinity = it is not, or it cannot be said yet. */
  pace(nowMs: number, startedMs: number): number {
    if (this.ended || this.#paused || this.upstreamBlocked) return Infinity;
    const looked = this.#lookedMs > 0;
    const ms = nowMs - (looked ? this.#lookedMs : startedMs);
    const bytes = this.receivedBytes - (looked ? this.#lookedBytes : 0);
    return ms < LEAST_PACED_MS ? Infinity : bytes / (ms / 1000);
  }

  /**
   * A connection that is closed while the client still sends is reset, and the answer is lost with it: so what comes is
   * thrown away, within bounds, and the answer given when the client has finished or waits.
   */
  discard(code: ErrorCode): void {
    const { deadlines } = this.#owner;
    this.#discard = new BodyDiscard(code, deadlines.nowMs);
    this.release();
    deadlines.arm(this, DISCARD_QUIET_MS);
  }

  /** Nobody wants the rest: let the client send it into the void, so that its connection can go on. */
  release(): void {
    this.#owner.deadlines.disarm(this);
    this.#connection = undefined;
    this.#held.length = 0;
    this.#gathered?.release();
    this.#gathered = undefined;
    this.#text = '';
    this.#resume();
  }

  /** The client whose body is thrown away waits for its answer; or more of the body has not come in time. */
  onDeadline(): void {
    if (this.#discard !== undefined) {
      this.#owner.onDiscarded(this.#discard.code);
    } else if (this.#gathering) {
      this.#gathering = false;
      if (this.#declaredBytes >= 0) return this.#owner.onBodyStalled();
      this.#enough = true;
      this.#owner.onBodyBegins();
      if (this.#connection === undefined && !this.ended) this.#pause();
    }
  }

  #onDiscarded(discard: BodyDiscard, bytes: number): void {
    const { deadlines } = this.#owner;
    if (this.ended || discard.isTooMuch(bytes, deadlines.nowMs)) this.#owner.onDiscarded(discard.code);
    else deadlines.arm(this, DISCARD_QUIET_MS);
  }

  /**
   * The length is what we counted or what the front enforces, never a copy of the client's field (RFC 9112, section 6.3).
   * A body of unknown length has one once it is whole; with trailers it goes in chunks all the same, or they would be lost.
   */
  #lengthField(): string {
    return `content-length: ${this.ended ? this.receivedBytes : this.#declaredBytes}\r\n`;
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
    const chunked = this.#declaredBytes < 0;
    if (piece.length > 0) connection.write(chunked ? chunk(piece) : piece, 'latin1');
    if (this.ended) {
      if (chunked) connection.write(lastChunk(this.trailers), 'latin1');
      this.#owner.onRequestSent(connection);
      return;
    }
    this.#owner.onUploadProgress();
    if (connection.isFull) this.#pause();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#owner.pauseBody();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#owner.resumeBody();
  }
}
