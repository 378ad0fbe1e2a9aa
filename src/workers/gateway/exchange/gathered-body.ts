/** So much of a body is gathered before a connection of the upstream is taken; one that is no longer is gathered whole. */
export const GATHERED_BYTES = 64 * 1024;
/** Of all bodies of a thread together; beyond it they are streamed as they come. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;
const FIRST_BYTES = 4 * 1024;

/** What the gathered bodies of a thread take. */
export class BodyRoom {
  bytes = 0;

  get isFull(): boolean {
    return this.bytes >= MOST_HELD_BYTES;
  }
}

/** Pieces of a body, in one piece of memory: a client that sends byte by byte must not cost an object for each. */
export class GatheredBody {
  length = 0;
  readonly #room: BodyRoom;
  #memory: Buffer;

  constructor(room: BodyRoom) {
    this.#room = room;
    this.#memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
    room.bytes += FIRST_BYTES;
  }

  /** Copies [from, to) of what is somebody else's memory. */
  take(bytes: Buffer, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.#memory.length) this.#grow(length);
    bytes.copy(this.#memory, this.length, from, to);
    this.length = length;
  }

  /** What was gathered; the memory is the taker's from now on. */
  give(): Buffer {
    const gathered = this.#memory.subarray(0, this.length);
    this.release();
    return gathered;
  }

  /** Its room is free again; at most once. */
  release(): void {
    this.#room.bytes -= this.#memory.length;
    this.#memory = EMPTY;
    this.length = 0;
  }

  #grow(least: number): void {
    const memory = Buffer.allocUnsafeSlow(Math.max(least, Math.min(2 * this.#memory.length, GATHERED_BYTES)));
    this.#memory.copy(memory, 0, 0, this.length);
    this.#room.bytes += memory.length - this.#memory.length;
    this.#memory = memory;
  }
}

const EMPTY = Buffer.alloc(0);
