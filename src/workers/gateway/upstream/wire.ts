/** The bytes of a connection that stands. What comes lies in the thread's read buffer. */
export interface Wire {
  /** @param data memory that is not written again; never a part of a read buffer */
  write(data: string | Uint8Array, encoding: 'latin1' | 'utf8'): void;
  /** Several pieces in one write. */
  writeAll(pieces: readonly Uint8Array[]): void;
  /** Some of what was written has not left yet: the other side does not read. */
  readonly hasUnsent: boolean;
  /** So much of it that `onDrain` should be waited for. */
  readonly isFull: boolean;
  /** What has been read already may still come. */
  pause(): void;
  resume(): void;
}

/** Whose bytes they are. */
export interface WireOwner {
  onBytes(length: number): void;
  /** The other side sends no more. */
  onEnd(): void;
  /** Nor can more be read. */
  onReadFailed(): void;
  /** Nothing more can be written; what has come before can still be read, and then the end. */
  onWriteFailed(): void;
  /** All that was written has left. */
  onDrain(): void;
}
