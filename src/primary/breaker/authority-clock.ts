import type { BreakerOp } from '../../shared/breaker/state.ts';

/** An op as an authority gets it: with the time on its own clock at which a word was said. */
export const dated = (op: BreakerOp, timeAt: (clockMs: number) => number): BreakerOp =>
  op.op === 'force' && op.saidMs !== undefined ? { ...op, saidMs: timeAt(op.saidMs) } : op;

/**
 * What the clock of another machine shows, from its answers. An answer of `now` that was asked for and came at two times
 * of our clock leaves a span for the difference, as wide as the round trip; the difference stays what it was as long as
 * it lies in there, so that what one node says keeps its order whatever the network does.
 */
export class AuthorityClock {
  #aheadMs: number | undefined;

  get known(): boolean {
    return this.#aheadMs !== undefined;
  }

  /** @param nowMs whole milliseconds, rounded down */
  heard(nowMs: number, span: { readonly sentMs: number; readonly receivedMs: number }): void {
    const most = nowMs + 1 - span.sentMs;
    const least = nowMs - span.receivedMs;
    // Rather ahead than behind: who gets a time to come takes it for now.
    this.#aheadMs = Math.max(least, Math.min(most, this.#aheadMs ?? most));
  }

  /** The other machine may be another one now, or its clock may have been set. */
  forget(): void {
    this.#aheadMs = undefined;
  }

  /** Undefined before the first answer. */
  timeAt(clockMs: number): number | undefined {
    return this.#aheadMs === undefined ? undefined : Math.ceil(clockMs + this.#aheadMs);
  }
}
