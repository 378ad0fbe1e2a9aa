import { CR, LF, VALUE_BYTE } from './http-bytes.ts';
import { INCOMPLETE, MALFORMED, VERSION_PREFIX } from './response-head.ts';

/** Room for most heads; it grows for those that are longer. */
const FIRST_BYTES = 16 * 1024;

/**
 * The bytes of one head that arrives in several reads. Looks at each byte once, only far enough to find the end and to
 * refuse at once what can never be a head (another protocol, a bare LF); the rest is checked when it is whole.
 */
export class HeldHead {
  bytes: Buffer;
  length = 0;
  readonly #maxBytes: number;
  #lineStart = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.bytes = Buffer.allocUnsafe(Math.min(maxBytes, FIRST_BYTES));
  }

  isFull(): boolean {
    return this.length === this.#maxBytes;
  }

  /** Takes bytes [from, to) up to the head's end. Returns the index after it, INCOMPLETE (all taken, or full) or MALFORMED. */
  append(chunk: Buffer, from: number, to: number): number {
    const stop = Math.min(to, from + this.#maxBytes - this.length);
    this.#makeRoom(this.length + stop - from);
    for (let at = from; at < stop; at++) {
      const b = chunk[at] as number;
      const afterCr = this.length > 0 && this.bytes[this.length - 1] === CR;
      if (b === LF ? !afterCr : afterCr || (b !== CR && VALUE_BYTE[b] === 0)) return MALFORMED;
      if (this.length < VERSION_PREFIX.length && b !== VERSION_PREFIX[this.length]) return MALFORMED;
      this.bytes[this.length++] = b;
      if (b === LF) {
        if (this.length - this.#lineStart === 2) return at + 1;
        this.#lineStart = this.length;
      }
    }
    return INCOMPLETE;
  }
  #makeRoom(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(bytes, 2 * this.bytes.length)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
