/** What is looked at of a thread that drains. */
export interface Watched {
  readonly inFlight: number;
  /** Grows with every connection that comes and every exchange that is over. */
  readonly activity: number;
}

/** So long after the last sign of a client those that are silent are taken to stay so: a proxy has emptied its pool. */
const QUIET_MS = 2_000;

/**
 * Tells when a thread that drains may close kept-alive connections on which nothing is under way. A client that is just
 * sending on one would lose its request, and may not send it again (RFC 9110, section 9.2.2). While others still ask and
 * are told to close, it is likely to ask as well, and then it is told too.
 */
export class QuietWatch {
  readonly #watched: Watched;
  #activity: number;
  #sinceMs: number;

  /** @param nowMs from when on answers say that connections close */
  constructor(watched: Watched, nowMs: number) {
    this.#watched = watched;
    this.#activity = watched.activity;
    this.#sinceMs = nowMs;
  }

  /** To be asked all the time. @returns whether nothing has happened for long enough */
  isQuiet(nowMs: number): boolean {
    const { activity, inFlight } = this.#watched;
    if (inFlight > 0 || activity !== this.#activity) {
      this.#activity = activity;
      this.#sinceMs = nowMs;
      return false;
    }
    return nowMs - this.#sinceMs >= QUIET_MS;
  }
}
