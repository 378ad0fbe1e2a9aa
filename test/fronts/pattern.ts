/** Bytes that tell whose they are and where they stood: pairs of a client's number and the pair's place, 8 bytes a pair. */
function fillPattern(into: Buffer, client: number, offset: number): void {
  let at = 0;
  // Up to the first whole pair and behind the last, byte by byte.
  for (; at < into.length && (offset + at) % 8 !== 0; at++) into[at] = byteAt(client, offset + at);
  for (; at + 8 <= into.length; at += 8) {
    into.writeUInt32LE(client, at);
    into.writeUInt32LE((offset + at) / 8, at + 4);
  }
  for (; at < into.length; at++) into[at] = byteAt(client, offset + at);
}

function byteAt(client: number, offset: number): number {
  const word = offset % 8 < 4 ? client : Math.floor(offset / 8);
  return (word >>> (8 * (offset % 4))) & 0xff;
}

export function pattern(client: number, offset: number, length: number): Buffer {
  const piece = Buffer.allocUnsafe(length);
  fillPattern(piece, client, offset);
  return piece;
}

/** Looks at a body as it arrives: the bytes of one client, each in its place. */
export class PatternCheck {
  length = 0;
  /** What was wrong first. */
  fault: string | undefined;
  readonly #client: number;

  constructor(client: number) {
    this.#client = client;
  }

  take(piece: Buffer): void {
    const wanted = pattern(this.#client, this.length, piece.length);
    if (this.fault === undefined && !wanted.equals(piece)) {
      const at = wanted.findIndex((byte, i) => byte !== piece[i]);
      const start = at - ((this.length + at) % 8);
      const found = piece.subarray(Math.max(0, start), start + 8).toString('hex');
      this.fault = `client ${this.#client} at ${this.length + at}: ${found}`;
    }
    this.length += piece.length;
  }

  /** `ok` when it was so many bytes, all of them right. */
  verdict(length: number): string {
    if (this.fault !== undefined) return this.fault;
    return this.length === length ? 'ok' : `client ${this.#client}: ${this.length} bytes of ${length}`;
  }
}
