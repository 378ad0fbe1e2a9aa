/**
 * Reads the headers of WebSocket frames (RFC 6455, section 5.2) as their bytes pass by, however they are split. Payload is
 * neither decoded nor copied; of a header that is not whole only its bytes are kept.
 */

/** Opcodes that have a meaning here. */
export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** What `readHeader` returns while the header is not whole. */
export const MORE = -1;
/** What it returns for bytes that are no frame; `fault` says why. */
export const BROKEN = -2;

const FIN = 0x80;
const RSV = 0x70;
const RSV1 = 0x40;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** Without mask and extended length. */
const LEAST_HEADER = 2;
/** RFC 6455, section 5.5. */
const MOST_CONTROL_BYTES = 125;
/** Two bytes, eight of length, four of mask. */
const MOST_HEADER = 14;

/** Which of the reserved bits the handshake has given a meaning: none, RSV1 of a message's first frame, or any. */
export type ReservedBits = 'none' | 'compression' | 'any';

export interface FrameRules {
  /** Frames of a client are masked, those of a server are not (section 5.1). */
  readonly masked: boolean;
  readonly reserved: ReservedBits;
}

/** One direction's frames. After a header its fields say what it was, until the next one. */
export class FrameReader {
  opcode = 0;
  /** The frame is the last of its message, or a control frame. */
  fin = false;
  /** Of the frame. */
  payloadLength = 0;
  /** Payload of the frame that has not passed yet. */
  remaining = 0;
  /** Of the header. */
  headerLength = 0;
  /** The mask in 32 bits; 0 where the frame has none. */
  mask = 0;
  /** Payload of the message so far, this frame's included; of a control frame nothing is counted. */
  messageBytes = 0;
  /** Why the bytes are no frame. */
  fault = '';
  readonly #rules: FrameRules;
  /** Of a message: a frame that is not its last has come. */
  #fragmented = false;
  /** Bytes of a header that came in pieces. */
  #held: Uint8Array | undefined = undefined;
  #heldLength = 0;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  get isControl(): boolean {
    return this.opcode >= OPCODE.CLOSE;
  }

  /** The header that was read begins a message. */
  get beginsMessage(): boolean {
    return this.opcode === OPCODE.TEXT || this.opcode === OPCODE.BINARY;
  }

  /** Bytes of a header that is not whole. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  /** No frame and no part of one is open: something else may stand here. */
  get isBetween(): boolean {
    return this.remaining === 0 && this.#heldLength === 0;
  }

  /**
   * Reads a header from bytes [from, to); the frame before must have passed. Returns the index after it, MORE (all taken)
   * or BROKEN, which is final.
   */
  readHeader(bytes: Uint8Array, from: number, to: number): number {
    if (this.#heldLength > 0) return this.#readHeld(bytes, from, to);
    const length = headerLength(bytes, from, to);
    if (length <= to - from) return this.#take(bytes, from) ? from + length : BROKEN;
    this.#hold(bytes, from, to);
    // What two bytes can say is said at once: who sends something else might never send the rest.
    return to - from >= LEAST_HEADER && !this.#judge(bytes[from] as number, bytes[from + 1] as number) ? BROKEN : MORE;
  }

  /** So much of the payload that begins at `from` lies before `to`, and has passed. Returns the index after it. */
  skipPayload(from: number, to: number): number {
    const passed = Math.min(this.remaining, to - from);
    this.remaining -= passed;
    return from + passed;
  }

  #readHeld(bytes: Uint8Array, from: number, to: number): number {
    const held = this.#held as Uint8Array;
    for (let at = from; at < to;) {
      held[this.#heldLength++] = bytes[at++] as number;
      if (this.#heldLength < LEAST_HEADER) continue;
      if (this.#heldLength === LEAST_HEADER && !this.#judge(held[0] as number, held[1] as number)) return BROKEN;
      if (this.#heldLength < headerLength(held, 0, this.#heldLength)) continue;
      this.#heldLength = 0;
      return this.#take(held, 0) ? at : BROKEN;
    }
    return MORE;
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    this.#held ??= new Uint8Array(MOST_HEADER);
    for (let at = from; at < to; at++) this.#held[this.#heldLength++] = bytes[at] as number;
  }

  /** The header at `at` is whole. @returns whether it is one */
  #take(bytes: Uint8Array, at: number): boolean {
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    if (!this.#judge(first, second)) return false;
    let length = second & 0x7f;
    let end = at + LEAST_HEADER;
    if (length === LENGTH_16) {
      length = ((bytes[end] as number) << 8) | (bytes[end + 1] as number);
      end += 2;
      if (length < LENGTH_16) return this.#refuse('a length is written with more bytes than it needs');
    } else if (length === LENGTH_64) {
      const high = uint32(bytes, end);
      length = high * 2 ** 32 + uint32(bytes, end + 4);
      end += 8;
      if (length < 2 ** 16) return this.#refuse('a length is written with more bytes than it needs');
      if (high >= 2 ** 21) return this.#refuse('a length is larger than any message');
    }
    this.mask = this.#rules.masked ? uint32(bytes, end) | 0 : 0;
    this.headerLength = end - at + (this.#rules.masked ? 4 : 0);
    this.fin = (first & FIN) !== 0;
    this.opcode = first & 0x0f;
    this.payloadLength = length;
    this.remaining = length;
    if (this.opcode >= OPCODE.CLOSE) return true;
    this.messageBytes = this.opcode === OPCODE.CONTINUATION ? this.messageBytes + length : length;
    this.#fragmented = !this.fin;
    return true;
  }

  /** Whether a header may begin with these two bytes. */
  #judge(first: number, second: number): boolean {
    const opcode = first & 0x0f;
    const length = second & 0x7f;
    if (((second & MASKED) !== 0) !== this.#rules.masked) {
      return this.#refuse(
        this.#rules.masked ? 'a frame of the client is not masked' : 'a frame of the server is masked',
      );
    }
    if ((first & RSV) !== 0 && !this.#mayReserve(first, opcode)) return this.#refuse('a reserved bit is set');
    if (opcode >= OPCODE.CLOSE) {
      if (opcode > OPCODE.PONG) return this.#refuse('an unknown opcode');
      if ((first & FIN) === 0) return this.#refuse('a control frame is fragmented');
      if (length > MOST_CONTROL_BYTES) return this.#refuse('a control frame is longer than 125 bytes');
      return opcode !== OPCODE.CLOSE || length !== 1 || this.#refuse('a close frame with half a code');
    }
    if (opcode > OPCODE.BINARY) return this.#refuse('an unknown opcode');
    if (this.#fragmented !== (opcode === OPCODE.CONTINUATION)) {
      return this.#refuse(this.#fragmented ? 'a message inside another' : 'a continuation of nothing');
    }
    return true;
  }

  /** permessage-deflate marks a message's first frame with RSV1 (RFC 7692, section 6). Of others nothing is known. */
  #mayReserve(first: number, opcode: number): boolean {
    const { reserved } = this.#rules;
    if (reserved !== 'compression') return reserved === 'any';
    return (first & RSV) === RSV1 && (opcode === OPCODE.TEXT || opcode === OPCODE.BINARY);
  }

  #refuse(fault: string): false {
    this.fault = fault;
    return false;
  }
}

/** Of the header at `at`, as far as it can be seen: more than there is where it cannot. */
function headerLength(bytes: Uint8Array, at: number, to: number): number {
  if (to - at < LEAST_HEADER) return LEAST_HEADER;
  const second = bytes[at + 1] as number;
  const length = second & 0x7f;
  const extended = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
  return LEAST_HEADER + extended + ((second & MASKED) === 0 ? 0 : 4);
}

/** Four bytes in network order. */
function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return high * 2 ** 16 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}
