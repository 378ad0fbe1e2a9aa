/** What an end of a tunnel tells: the side that it belongs to. */
export interface EndListener {
  /** Bytes [from, to) have come; they may be overwritten once this returns. */
  onBytes(bytes: Buffer, from: number, to: number): void;
  /** It sends no more. */
  onEnd(): void;
  /** All that was written to it has left. */
  onDrained(): void;
  /** The connection is gone, and not because we ended it. */
  onGone(): void;
}

/** One connection of a tunnel. After `finish` and `abandon` every call does nothing, and nothing is told any more. */
export interface TunnelEnd {
  /** What comes is told from now on; some may be here already, and is told at once. */
  begin(listener: EndListener): void;
  /**
   * Writes `before` (one char a byte) and bytes [from, to), which are copied where they have to be.
   * @param soon more may come in this turn of the loop: all of it leaves in one write
   */
  pass(
    piece: { readonly before: string; readonly bytes: Buffer; readonly from: number; readonly to: number },
    soon: boolean,
  ): void;
  /** Writes a frame of our own, one char a byte. */
  say(frame: string): void;
  /** It does not keep up: `onDrained` should be waited for. What is written all the same is kept. */
  readonly isBlocked: boolean;
  /** One turn of the loop may bring several pieces: records of TLS. */
  readonly bringsPieces: boolean;
  pauseReading(): void;
  resumeReading(): void;
  /** Ends it in order: what was written still leaves. */
  finish(): void;
  /** Ends it at once. */
  abandon(): void;
}
