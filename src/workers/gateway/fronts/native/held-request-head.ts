import { CR, LF, VALUE_BYTE } from '../../upstream/http-bytes.ts';
import type { NativeRequestHead } from './head-parser.ts';
import { INCOMPLETE, MALFORMED, MAX_EMPTY_LINES } from './head-parser-start.ts';

/** Room for the head of most devices; a fleet that sends slowly should not cost a whole head's bound each. */
const FIRST_BYTES = 512;

/**
 * The bytes of one request head that arrives in several reads. Looks at each byte once, only far enough to find the end
 * and to refuse at once what can never be a head; the request line is judged when it is whole, the rest with the head.
 */
export class HeldRequestHead {
  readonly #head: NativeRequestHead;
  readonly #maxBytes: number;
  /** Not of the pool: a small piece of it would keep all of its 8 KiB. */
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  /** Bytes of the line that is arriving. */
  #lineLength = 0;
  #hasRequestLine = false;
  #last = 0;

  /** @param head reads what is held; its fields are then as after parse() */
  constructor(head: NativeRequestHead) {
    this.#head = head;
    this.#maxBytes = head.maxHeaderBytes + 2 * MAX_EMPTY_LINES;
  }

  /** Takes bytes [from, to) up to the head's end. Returns the index after it, INCOMPLETE (all taken) or MALFORMED, as parse() does. */
  append(chunk: Buffer, from: number, to: number): number {
    const stop = Math.min(to, from + this.#maxBytes - this.#length);
    for (let at = from; at < stop; at++) {
      const b = chunk[at] as number;
      const afterCr = this.#last === CR;
      this.#last = b;
      this.#lineLength++;
      if (b !== LF) {
        if (afterCr || (b !== CR && VALUE_BYTE[b] === 0)) return this.#parse(chunk, from, at + 1);
        continue;
      }
      const isEmptyLine = this.#lineLength === 2;
      this.#lineLength = 0;
      if (!afterCr || (isEmptyLine && this.#hasRequestLine)) return this.#parse(chunk, from, at + 1);
      if (!isEmptyLine && !this.#hasRequestLine) {
        this.#hasRequestLine = true;
        this.#copy(chunk, from, at + 1);
        if (this.#head.parse(this.#bytes, 0, this.#length) === MALFORMED) return MALFORMED;
        from = at + 1;
      }
    }
    // Full: the parser says of what there is too much.
    if (this.#length + stop - from === this.#maxBytes) return this.#parse(chunk, from, stop);
    this.#copy(chunk, from, stop);
    return INCOMPLETE;
  }

  /** Nothing more can come: the head ends at `to`, or is broken there. */
  #parse(chunk: Buffer, from: number, to: number): number {
    this.#copy(chunk, from, to);
    return this.#head.parse(this.#bytes, 0, this.#length) === this.#length ? to : MALFORMED;
  }

  #copy(chunk: Buffer, from: number, to: number): void {
    const length = this.#length + to - from;
    if (length > this.#bytes.length) {
      const size = Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length));
      const larger = Buffer.allocUnsafeSlow(size);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length, from, to);
    this.#length = length;
  }
}
