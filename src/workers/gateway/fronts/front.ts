/** The part of a front that lives on a request thread, as the rest of the thread sees it. */
export interface ThreadFront {
  /** Open client connections. */
  readonly open: number;
  /** Whether a request from this address must be refused, so that its connection goes. */
  isBeyondCap(address: string): boolean;
  /** Every tick of the thread. */
  tick(nowMs: number): void;
  /** The thread is about to end: connections that rest are let go, nothing new comes. */
  close(): void;
}
