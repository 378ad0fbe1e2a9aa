/** Why a message does not pass: what both ends are closed with. */
export interface Refusal {
  /** One that may stand in a frame, such as 1008. */
  readonly code: number;
  /** ASCII, at most 123 characters. */
  readonly reason: string;
}

/**
 * Where limits of messages come in: the `gate` of a tunnel's side, set when the tunnel is made (`ThreadWebSockets.add`).
 * It is asked at the first frame of each message that comes from that side, before any byte of it has been passed on.
 */
export interface Gate {
  /**
   * Whether a message passes: now; never, and both ends are closed with `refusal`; or not yet. Then nothing behind it is
   * read (back-pressure), until the side's `release()` lets it go on without asking again, its `refuse()` ends both, or the tunnel is
   * closed. Only answers: it closes and releases nothing itself in here.
   *
   * @param bytes payload of its first frame, as sent; of a message in one frame that is all
   */
  onMessage(bytes: number): 'pass' | 'wait' | 'refuse';
  readonly refusal: Refusal;
}
