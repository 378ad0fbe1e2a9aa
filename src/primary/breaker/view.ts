import type { BreakerKind } from '../../shared/breaker/state.ts';
import type { BreakerMode } from '../../shared/breaker/rule.ts';
import type { BreakerCell, BreakerScope } from './cell.ts';

/** One upstream's breaker as this node sees it, for metrics, admin API and log. */
export interface BreakerView {
  readonly upstream: string;
  readonly mode: BreakerMode;
  readonly state: BreakerKind;
  readonly scope: BreakerScope;
  readonly epoch: number;
  readonly failures: number;
  readonly reason: string;
  /** Milliseconds until the next probe; 0 unless OPEN. */
  readonly openForMs: number;
  /** Requests refused since the slot was first used; in shadow mode those that would have been. Wraps at 2^32. */
  readonly refused: number;
}

export const viewOf = (cell: BreakerCell, nowMs: number): BreakerView => ({
  upstream: cell.name,
  mode: cell.upstream.mode,
  state: cell.row.kind(),
  scope: cell.scope,
  epoch: cell.epoch,
  failures: cell.failures,
  reason: cell.reason,
  openForMs: cell.row.kind() === 'OPEN' ? Math.max(0, Math.ceil(cell.openUntilMs - nowMs)) : 0,
  refused: cell.row.refused(),
});

/** A transition this node went through, whoever caused it. */
export interface BreakerChange {
  readonly upstream: string;
  readonly mode: BreakerMode;
  readonly scope: BreakerScope;
  readonly from: BreakerKind;
  readonly to: BreakerKind;
  readonly epoch: number;
  readonly reason: string;
}

/** Events to whoever listens. Told after the fact; nothing a listener does can change it. */
export type BreakerListener = (event: BreakerNotice) => void;

export type BreakerNotice =
  | { readonly type: 'transition'; readonly change: BreakerChange }
  /** Redis can no longer be asked (`process`), or can again (`cluster`). */
  | { readonly type: 'scope'; readonly scope: 'cluster' | 'process'; readonly reason: string };

/** Messages of a listener's errors that are told apart; what is thrown beyond them is not told. */
const MOST_ERRORS = 10;

/**
 * A listener that throws loses its notice, and nothing else happens.
 * @param onError what it has thrown, once for each message
 */
export function guardedListener(
  listener: BreakerListener,
  onError: ((error: unknown) => void) | undefined,
): BreakerListener {
  const told = new Set<string>();
  return (notice) => {
    try {
      listener(notice);
    } catch (error) {
      const text = String(error);
      if (told.has(text) || told.size >= MOST_ERRORS) return;
      told.add(text);
      try {
        onError?.(error);
      } catch {
        // Whoever hears of errors throws as well: nobody is left to tell.
      }
    }
  };
}
