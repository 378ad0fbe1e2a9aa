import { COLON, CR, isBlank, latin1, LF, SEMICOLON, TOKEN_BYTE, VALUE_BYTE } from '../../upstream/http-bytes.ts';
import { forwardableTrailers } from './request-body-decoder-trailers.ts';
import type { TrailerRules } from './request-body-decoder-trailers.ts';

/** Most bytes of chunk extensions, and of trailer fields, in one body. */
export const MAX_EXTRA_BYTES = 16 * 1024;

/** 2^53 - 1 has 14 hex digits; two leading zeros are let through, a longer run of them is an attack. */
const MAX_SIZE_DIGITS = 16;

/**
 * A chunk costs about as much as 16 bytes of data, so a body of more than a thousand chunks must have as many bytes in
 * those behind the thousandth on average. The allowance lets small chunks come before the large ones that pay for them.
 */
export const FREE_CHUNKS = 1000;
const MIN_AVERAGE_CHUNK_BYTES = 16;
const ALLOWANCE_BYTES = 1024;

/** What `decode` returns for bytes that are not a chunked body, or one that is refused; see `fault`. */
export const BAD_CHUNKS = -1;

/** Value of a hex digit by its byte, -1 for any other. */
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

// The next byte is expected to be…
const SIZE = 0;
const SIZE_BLANK = 1; // white space, or what may follow it
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER = 7; // the first of a trailer field, or the CR that ends the body
const TRAILER_NAME = 8;
const TRAILER_VALUE = 9;
const TRAILER_LF = 10;
const LAST_LF = 11;

const NO_RULES: TrailerRules = { identifying: new Set(), connectionNamed: undefined, passesAmbiguous: false };

/**
 * Decodes a chunked request body (RFC 9112 7.1) as it arrives, in place: the data of all chunks of one read ends up in
 * one range of the same memory. Extensions are skipped, trailer fields kept. Line ends are CRLF, nothing else.
 */
export class RequestBodyDecoder {
  /** The decoded bytes of the last `decode` are [start, end) of its chunk. */
  start = 0;
  end = 0;
  /** The last chunk and the trailer section have been read. */
  done = false;
  /** Trailer lines to forward once `done`, each "name: value" with its CRLF, one char per byte. */
  trailers = '';
  /** Why BAD_CHUNKS was returned, for the client. */
  fault: string | undefined;
  #state = SIZE;
  #size = 0;
  #digits = 0;
  /** Data bytes of the current chunk still to come. */
  #remaining = 0;
  #extraBytes = 0;
  #trailerBytes = 0;
  #chunks = 0;
  /** What chunks behind the free ones may still lack of their average. */
  #creditBytes = 0;
  /** The trailer section as far as it is here. */
  #trailerText = '';
  #identifying = NO_RULES.identifying;
  #connectionNamed = NO_RULES.connectionNamed;
  #passesAmbiguous = NO_RULES.passesAmbiguous;

  /**
   * Makes ready for another body.
   *
   * @param rules of the request's head; it may be reused, what it says now is kept
   */
  reset(rules: TrailerRules = NO_RULES): void {
    this.done = false;
    this.trailers = '';
    this.fault = undefined;
    this.#state = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#extraBytes = 0;
    this.#trailerBytes = 0;
    this.#chunks = 0;
    this.#creditBytes = ALLOWANCE_BYTES;
    this.#trailerText = '';
    this.#identifying = rules.identifying;
    this.#connectionNamed = rules.connectionNamed;
    this.#passesAmbiguous = rules.passesAmbiguous;
  }

  /** Reads [from, to) of `chunk`, overwriting parts of it. Returns where it stopped: `to`, or the body's end; or BAD_CHUNKS. */
  decode(chunk: Buffer, from: number, to: number): number {
    this.start = from;
    this.end = from;
    let at = from;
    while (at < to && !this.done) {
      if (this.#state === DATA) at = this.#takeData(chunk, at, to);
      else if (this.#state >= TRAILER) at = this.#takeTrailers(chunk, at, to);
      else if (!this.#step(chunk[at++] as number)) at = this.#refuse();
      if (at === BAD_CHUNKS) return BAD_CHUNKS;
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

  /** Takes one byte of framing; false refuses it. */
  #step(b: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(b);
      case SIZE_BLANK:
        if (isBlank(b)) return this.#isExtraWithin();
        this.#state = b === CR ? SIZE_LF : EXTENSION;
        return b === CR || b === SEMICOLON;
      case EXTENSION:
        if (b === CR) this.#state = SIZE_LF;
        else return VALUE_BYTE[b] !== 0 && this.#isExtraWithin();
        return true;
      case SIZE_LF:
        this.#remaining = this.#size;
        this.#state = this.#size === 0 ? TRAILER : DATA;
        return b === LF && this.#isWorthIt();
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
    if (this.#digits === 0) return false;
    if (isBlank(b)) {
      this.#state = SIZE_BLANK;
      return this.#isExtraWithin();
    }
    this.#state = b === CR ? SIZE_LF : EXTENSION;
    return b === CR || b === SEMICOLON;
  }

  #isExtraWithin(): boolean {
    if (++this.#extraBytes > MAX_EXTRA_BYTES) this.fault = 'The chunk extensions are too large.';
    return this.fault === undefined;
  }

  /** The size of a chunk is known, and whether the client sends many that are tiny. */
  #isWorthIt(): boolean {
    if (this.#size === 0 || ++this.#chunks <= FREE_CHUNKS) return true;
    this.#creditBytes += this.#size - MIN_AVERAGE_CHUNK_BYTES;
    if (this.#creditBytes < 0) this.fault = 'The body comes in too many tiny chunks.';
    return this.fault === undefined;
  }

  #takeTrailers(chunk: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && !this.done) {
      if (!this.#trailerByte(chunk[at++] as number)) return this.#refuse();
    }
    // Nearly always the section is an empty line, and nothing to keep.
    const isEmpty = this.#trailerBytes <= 2 && (this.done || this.#state === LAST_LF);
    if (!isEmpty) this.#trailerText += latin1(chunk, from, at);
    if (this.done && !isEmpty) {
      this.trailers = forwardableTrailers(this.#trailerText.slice(0, -2), {
        identifying: this.#identifying,
        connectionNamed: this.#connectionNamed,
        passesAmbiguous: this.#passesAmbiguous,
      });
    }
    return at;
  }

  #trailerByte(b: number): boolean {
    if (++this.#trailerBytes > MAX_EXTRA_BYTES) {
      this.fault = 'The trailer fields are too large.';
      return false;
    }
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
      default: // LAST_LF
        this.done = b === LF;
        return this.done;
    }
  }

  #refuse(): typeof BAD_CHUNKS {
    this.fault ??= 'The chunked body is malformed.';
    return BAD_CHUNKS;
  }
}
