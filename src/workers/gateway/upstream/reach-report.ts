import type { ErrorCode } from '../../../shared/errors.ts';
import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';

/** Every request may be a failure: the same one is told again only after this. */
const SAY_AGAIN_MS = 10_000;

export interface ReachReportParts {
  readonly upstream: string;
  readonly target: string;
  readonly post: (message: FromUpstreamThread) => void;
}

/** Tells the front that connections to a target do not come about, and why; and when they do again. */
export class ReachReport {
  readonly #parts: ReachReportParts;
  /** '' = connections come about, as far as the front knows. */
  #said = '';
  #saidMs = 0;

  constructor(parts: ReachReportParts) {
    this.#parts = parts;
  }

  /** @param reason for people: the error's own words */
  failed({ code, reason }: { readonly code: ErrorCode; readonly reason: string }, nowMs: number): void {
    if (this.#said === reason && nowMs - this.#saidMs < SAY_AGAIN_MS) return;
    this.#said = reason;
    this.#saidMs = nowMs;
    const { upstream, target, post } = this.#parts;
    post({ type: 'unreachable', upstream, target, code, reason });
  }

  /** A connection stands, or no more are opened. */
  settled(): void {
    if (this.#said === '') return;
    this.#said = '';
    const { upstream, target, post } = this.#parts;
    post({ type: 'reachable', upstream, target });
  }
}
