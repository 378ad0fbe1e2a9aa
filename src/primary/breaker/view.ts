import type { BreakerKind, ForcedState } from '../../shared/breaker/state.ts';
import type { BreakerMode } from '../../shared/breaker/rule.ts';
import type { BreakerCell } from './cell.ts';
import type { Standing } from './standing.ts';

/** One upstream's breaker as this node sees it, for metrics, admin API and log. */
export interface BreakerView {
  readonly upstream: string;
  readonly mode: BreakerMode;
  readonly state: BreakerKind;
  /** Not CLOSED, but for the sake of one client only: all others pass. */
  readonly oneClient: boolean;
  /** Whose it is then (client-id.ts); `''` = everybody's. */
  readonly culprit: string;
  readonly scope: Standing['kind'];
  readonly epoch: number;
  readonly failures: number;
  readonly reason: string;
  /** Milliseconds until the next probe; 0 unless OPEN. */
  readonly openForMs: number;
  /** Requests refused since the place was first used; in shadow mode those that would have been. Wraps at 2^32. */
  readonly refused: number;
  /** HALF_OPEN, and nobody was refused since. */
  readonly quiet: boolean;
  /** What an operator has forced, and how much longer. */
  readonly forced: { readonly state: 'OPEN' | 'CLOSED'; readonly remainingMs: number } | undefined;
}

export const viewOf = (cell: BreakerCell, nowMs: number): BreakerView => ({
  upstream: cell.name,
  mode: cell.upstream.mode,
  state: cell.row.kind(),
  oneClient: isNarrow(cell),
  culprit: isNarrow(cell) ? cell.narrow : '',
  scope: cell.standing.kind,
  epoch: cell.epoch,
  failures: cell.failures,
  reason: cell.reason,
  openForMs: cell.row.kind() === 'OPEN' ? Math.max(0, Math.ceil(cell.openUntilMs - nowMs)) : 0,
  refused: cell.row.refused(),
  quiet: cell.quiet,
  forced: forcedIn(cell, nowMs),
});

const isNarrow = ({ row, narrow }: BreakerCell): boolean => row.kind() !== 'CLOSED' && narrow !== '';

function forcedIn(cell: BreakerCell, nowMs: number): BreakerView['forced'] {
  const forced = cell.forcedFor(nowMs);
  return forced && { state: forced.state, remainingMs: forced.forMs };
}

/** An operator's word has come to this node, wherever it was said, or it is over. */
export interface BreakerForced {
  readonly upstream: string;
  /** AUTO: the breaker decides again. */
  readonly state: ForcedState;
  /** How long it will hold; 0 for AUTO. */
  readonly forMs: number;
  /** `node`: Redis has not confirmed it, so it holds on this node only, which says it again when Redis is back. */
  readonly scope: 'cluster' | 'node';
  /** Who said it; undefined = not on this node (another one, by hand), or its time is over. */
  readonly by: string | undefined;
}

/** A transition this node went through, whoever caused it. */
export interface BreakerChange {
  readonly upstream: string;
  readonly mode: BreakerMode;
  readonly scope: Standing['kind'];
  readonly from: BreakerKind;
  readonly to: BreakerKind;
  readonly epoch: number;
  readonly reason: string;
  /** It moved for the sake of one client only. */
  readonly oneClient: boolean;
}

export interface ForceOptions {
  readonly state: ForcedState;
  /** How long; means nothing with AUTO. */
  readonly forMs: number;
}

export interface ForceOutcome {
  /** Whether Redis has taken it, or only this node. */
  readonly scope: 'cluster' | 'node';
  readonly view: BreakerView;
}

/** The end of an override may come to a node with so much delay and still be the same. */
const SAME_END_MS = 1_000;

/**
 * The notice that `cell` is forced, said anew or no longer, or undefined; `before` is what it was until now.
 * @param before.by who on this node has said it, if it was said here
 */
export function forcedNotice(
  cell: BreakerCell,
  before: { readonly forced: BreakerCell['forced']; readonly epoch: number; readonly by: string | undefined },
  nowMs: number,
): BreakerNotice | undefined {
  const forced = cell.forcedFor(nowMs);
  const { name: upstream } = cell;
  const { by } = before;
  const saidAgain = by !== undefined && before.epoch !== cell.epoch;
  // A new epoch alone is none: so it is where the script has put right what an older version did.
  const differs = Math.abs((cell.forced?.untilMs ?? 0) - (before.forced?.untilMs ?? 0)) > SAME_END_MS;
  const news = before.forced?.state !== forced?.state || (forced !== undefined && (saidAgain || differs));
  if (!news) return undefined;
  const scope = cell.standing.kind === 'node' ? 'node' : 'cluster';
  return { type: 'forced', change: { upstream, scope, by, ...(forced ?? { state: 'AUTO', forMs: 0 }) } };
}

/** Events to whoever listens. Told after the fact; nothing a listener does can change it. */
export type BreakerListener = (event: BreakerNotice) => void;

export type BreakerNotice =
  | { readonly type: 'transition'; readonly change: BreakerChange }
  | { readonly type: 'forced'; readonly change: BreakerForced }
  /** Redis can no longer be asked (`node`; said again for another reason), or can again (`cluster`). */
  | { readonly type: 'scope'; readonly scope: 'cluster' | 'node'; readonly reason: string };

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
  const reported = new Set<string>();
  return (notice) => {
    try {
      listener(notice);
    } catch (error) {
      const text = String(error);
      if (reported.has(text) || reported.size >= MOST_ERRORS) return;
      reported.add(text);
      try {
        onError?.(error);
      } catch {
        // Whoever hears of errors throws as well: nobody is left to tell.
      }
    }
  };
}
