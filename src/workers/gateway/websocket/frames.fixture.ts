import { BROKEN, FrameReader, MORE } from './frame-reader.ts';
import type { FrameRules } from './frame-reader.ts';

/** A frame in words. */
export interface SomeFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin?: boolean;
  /** 0 to 7: RSV1 is 4. */
  readonly reserved?: number;
  /** Four bytes; `undefined` = not masked. */
  readonly mask?: Uint8Array | undefined;
  /** Bytes of the extended length, where they are not as few as can be. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** The frame as it goes over the wire (RFC 6455, section 5.2). */
export function bytesOf({ opcode, payload, fin = true, reserved = 0, mask, lengthBytes }: SomeFrame): Buffer {
  const { length } = payload;
  const extended = lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + extended);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const short = extended === 0 ? length : extended === 2 ? 126 : 127;
  head[1] = (mask === undefined ? 0 : 0x80) | short;
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (mask === undefined) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] as number))]);
}

/** What a reader saw, one line a frame; the last says where it stopped. */
export function readFrames(rules: FrameRules, bytes: Uint8Array, cuts: readonly number[] = []): readonly string[] {
  const reader = new FrameReader(rules);
  const seen: string[] = [];
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    // A copy that is spoilt afterwards: nothing of it may be needed later.
    const piece = Buffer.from(bytes.subarray(start, end));
    start = end;
    for (let at = 0; at < piece.length;) {
      at = reader.skipPayload(at, piece.length);
      if (at === piece.length) break;
      const next = reader.readHeader(piece, at, piece.length);
      if (next === BROKEN) return [...seen, reader.fault];
      if (next === MORE) break;
      at = next;
      const { opcode, fin, payloadLength, headerLength, messageBytes, mask, isControl } = reader;
      const size = isControl ? '' : ` of ${messageBytes}`;
      seen.push(`${opcode}${fin ? '' : '…'} ${headerLength}+${payloadLength}${size} mask ${mask}`);
    }
    piece.fill(0xff);
  }
  return [...seen, reader.isBetween ? 'between' : `open: ${reader.remaining} and ${reader.heldBytes}`];
}
