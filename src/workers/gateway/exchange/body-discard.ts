import type { ErrorCode } from '../../../shared/errors.ts';

/** Silence after which a client whose body is thrown away waits for its answer. */
export const DISCARD_QUIET_MS = 100;
const LONGEST_MS = 5_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** How much of a body that nobody wants has been thrown away, and since when. */
export class BodyDiscard {
  /** What the client is told then. */
  readonly code: ErrorCode;
  readonly #fromMs: number;
  #bytes = 0;

  constructor(code: ErrorCode, nowMs: number) {
    this.code = code;
    this.#fromMs = nowMs;
  }

  /** Counts a piece. @returns whether the client has sent on for too long */
  isTooMuch(bytes: number, nowMs: number): boolean {
    this.#bytes += bytes;
    return this.#bytes > MOST_BYTES || nowMs - this.#fromMs > LONGEST_MS;
  }
}
