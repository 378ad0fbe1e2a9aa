import { CR, LF, VALUE_BYTE } from './http-bytes.ts';
import { INCOMPLETE, MALFORMED, MAX_HEAD_BYTES, VERSION_PREFIX } from './response-head.ts';

/**
 * The bytes of one head that arrives in several reads. Looks at each byte once, only far enough to find the end and to
 * refuse at once what can never be a head (another protocol, a bare LF); the rest is checked when it is whole.
 */
export class HeldHead {
  readonly bytes = Buffer.allocUnsafe(MAX_HEAD_BYTES);
  length = 0;
  #lineStart = 0;

  isFull(): boolean {
    return this.length === MAX_HEAD_BYTES;
  }

  /** Takes bytes [from, to) up to the head's end. Returns the index after it, INCOMPLETE (all taken, or full) or MALFORMED. */
  append(chunk: Buffer, from: number, to: number): number {
    const stop = Math.min(to, from + MAX_HEAD_BYTES - this.length);
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
}
