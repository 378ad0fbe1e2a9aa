// 251 is prime, so a block that was lost, repeated or moved by a power of two shows up as a difference.
const PERIOD = 251;
const BLOCK = Buffer.from(Array.from({ length: PERIOD * 262 }, (_, i) => i % PERIOD));
const NEWLINE = Buffer.from('\n');
const MOST_PER_CHUNK = BLOCK.length - PERIOD;

/** A part of a body: first and last byte, both included, of `total`. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/**
 * The bytes of `/bytes/N` in pieces of about 64 KiB that share one block of memory.
 * Byte i is i mod 251, so every byte value below 251 occurs; the last byte of the whole body is a newline.
 */
export function* patternChunks(span: Span): Generator<Buffer> {
  const beforeNewline = Math.min(span.last + 1, span.total - 1);
  for (let at = span.first; at < beforeNewline;) {
    const size = Math.min(MOST_PER_CHUNK, beforeNewline - at);
    const from = at % PERIOD;
    yield BLOCK.subarray(from, from + size);
    at += size;
  }
  if (span.last === span.total - 1 && span.total > 0) yield NEWLINE;
}

/** What `/bytes/N` answers, whole: for tests that compare bytes. */
export function patternBytes(total: number): Buffer {
  return Buffer.concat([...patternChunks({ first: 0, last: total - 1, total })]);
}
