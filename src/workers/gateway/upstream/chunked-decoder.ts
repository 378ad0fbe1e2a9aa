import { COLON, CR, isBlank, latin1, LF, SEMICOLON, TOKEN_BYTE, VALUE_BYTE } from './http-bytes.ts';

/** Most bytes of chunk extensions with the white space before them, and of trailer fields, in one message; Node's own client allows as much. */
export const MAX_SKIPPED_BYTES = 16 * 1024;

/** 2^53 - 1 has 14 hex digits; two leading zeros are let through, a longer run of them is an attack. */
const MAX_SIZE_DIGITS = 16;

/** What `decode` returns for bytes that are not a chunked body. */
export const BAD_CHUNKS = -1;

/** Value of a hex digit by its byte, -1 for any other. */
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

// The next byte is expected to be…
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6; // the first of a trailer field, or the CR that ends the message
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const LAST_LF = 10;
const SIZE_BLANK = 11; // more white space behind a size, or what ends it

/**
 * Decodes a chunked body (RFC 9112 7.1) as it arrives, in place: the data of all chunks of one read ends up in one
 * range of the same memory. Extensions are checked and dropped, trailer fields checked and kept. Line ends are CRLF,
 * nothing else.
 */
export class ChunkedDecoder {
  /** The decoded bytes of the last `decode` are [start, end) of its chunk. */
  start = 0;
  end = 0;
  /** The last chunk and the trailer section have been read. */
  done = false;
  /** The trailer section as it came: whole lines, each with its CRLF, once `done`. */
  trailerSection = '';
  #state = SIZE;
  #size = 0;
  #digits = 0;
  /** Data bytes of the current chunk still to come. */
  #remaining = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;

  /** Makes ready for another body. */
  reset(): void {
    this.done = false;
    this.trailerSection = '';
    this.#state = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
  }

  /** Reads [from, to) of `chunk`, overwriting parts of it. Returns where it stopped: `to`, or the message's end; or BAD_CHUNKS. */
  decode(chunk: Buffer, from: number, to: number): number {
    this.start = from;
    this.end = from;
    let at = from;
    while (at < to && !this.done) {
      if (this.#state === DATA) at = this.#takeData(chunk, at, to);
      else if (this.#inTrailers()) {
        at = this.#takeTrailers(chunk, at, to);
        if (at === BAD_CHUNKS) return BAD_CHUNKS;
      } else if (!this.#step(chunk[at++] as number)) return BAD_CHUNKS;
    }
    return at;
  }

  #takeData(chunk: Buffer, at: number, to: number): number {
    const stop = Math.min(to, at + this.#remaining);
    if (this.end === this.start) {
      this.start = at; // the first data of this read stays where it is
      this.end = stop;
    } else {
      chunk.copyWithin(this.end, at, stop);
      this.end += stop - at;
    }
    this.#remaining -= stop - at;
    if (this.#remaining === 0) this.#state = DATA_CR;
    return stop;
  }

  #inTrailers(): boolean {
    return this.#state >= TRAILER && this.#state <= LAST_LF;
  }

  #takeTrailers(chunk: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && !this.done) {
      if (!this.#trailerByte(chunk[at++] as number)) return BAD_CHUNKS;
    }
    // Nearly always it is the empty line alone: nothing to keep.
    if (this.#trailerBytes <= 2 && (this.done || this.#state === LAST_LF)) return at;
    this.trailerSection += latin1(chunk, from, at);
    if (this.done) this.trailerSection = this.trailerSection.slice(0, -2);
    return at;
  }

  /** Takes one byte of framing; false refuses it. */
  #step(b: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(b);
      case SIZE_BLANK:
        return this.#afterSize(b);
      case EXTENSION:
        if (b === CR) this.#state = SIZE_LF;
        else return VALUE_BYTE[b] !== 0 && ++this.#extensionBytes <= MAX_SKIPPED_BYTES;
        return true;
      case SIZE_LF:
        this.#remaining = this.#size;
        this.#state = this.#size === 0 ? TRAILER : DATA;
        return b === LF;
      case DATA_CR:
        this.#state = DATA_LF;
        return b === CR;
      default: // DATA_LF
        this.#size = 0;
        this.#digits = 0;
        this.#state = SIZE;
        return b === LF;
    }
  }

  #sizeByte(b: number): boolean {
    const digit = HEX[b] as number;
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      return ++this.#digits <= MAX_SIZE_DIGITS && this.#size <= Number.MAX_SAFE_INTEGER;
    }
    return this.#digits > 0 && this.#afterSize(b);
  }

  /** White space before extensions is "bad" (RFC 9112, section 7.1.1), but has to be read; some servers pad sizes with it. */
  #afterSize(b: number): boolean {
    if (isBlank(b)) {
      this.#state = SIZE_BLANK;
      return ++this.#extensionBytes <= MAX_SKIPPED_BYTES;
    }
    this.#state = b === CR ? SIZE_LF : EXTENSION;
    return b === CR || b === SEMICOLON;
  }

  #trailerByte(b: number): boolean {
    if (++this.#trailerBytes > MAX_SKIPPED_BYTES) return false;
    switch (this.#state) {
      case TRAILER:
        this.#state = b === CR ? LAST_LF : TRAILER_NAME;
        return b === CR || TOKEN_BYTE[b] === 1;
      case TRAILER_NAME:
        if (b === COLON) this.#state = TRAILER_VALUE;
        return b === COLON || TOKEN_BYTE[b] === 1;
      case TRAILER_VALUE:
        if (b === CR) this.#state = TRAILER_LF;
        return b === CR || VALUE_BYTE[b] !== 0;
      case TRAILER_LF:
        this.#state = TRAILER;
        return b === LF;
      default:
        this.done = b === LF; // LAST_LF
        return this.done;
    }
  }
}
