import { constants } from 'node:os';
import { EXIT, exitCodeOfSignal } from '../exit-codes.ts';

/** How a front process ended. */
export type FrontExit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

/** What the supervisor knows when a front has ended. */
export interface FrontHistory {
  /** It was asked to stop. */
  readonly stopping: boolean;
  /** How long this one ran. */
  readonly uptimeMs: number;
  /** This one or one before it said that it serves. */
  readonly served: boolean;
  /** Fronts that ended abnormally before this one. */
  readonly restarts: number;
  /** Those of them in a row, none of which ran for HEALTHY_MS. */
  readonly failuresInRow: number;
}

export type NextStep =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'restart'; readonly delayMs: number; readonly failuresInRow: number };

const ASKS_TO_STOP: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT']);
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** A front that ran this long had no failed start: what ends it is a new story. */
export const HEALTHY_MS = 30_000;

/**
 * Whether to start another front. A front that ends by itself with 0, or because of the command line or the
 * configuration, would do so again. 69 (a port in use) ends a gateway that never served; after a crash it is retried, as
 * the port may still be held for a moment.
 */
export function nextStep(exit: FrontExit, history: FrontHistory): NextStep {
  // The very signal that it was asked with, while it was still loading what listens to that.
  if (history.stopping && exit.kind === 'signal' && ASKS_TO_STOP.has(exit.signal))
    return { kind: 'exit', code: EXIT.ok };
  const code = exit.kind === 'code' ? exit.code : exitCodeOfSignal(constants.signals[exit.signal]);
  if (history.stopping || code === EXIT.ok || code === EXIT.usage || code === EXIT.configuration) {
    return { kind: 'exit', code };
  }
  if (code === EXIT.unavailable && history.restarts === 0 && !history.served) return { kind: 'exit', code };
  const failuresInRow = history.uptimeMs >= HEALTHY_MS ? 0 : history.failuresInRow;
  return { kind: 'restart', delayMs: restartDelayMs(failuresInRow), failuresInRow: failuresInRow + 1 };
}

/** The first restart is at once, then 250 ms, 500 ms ... 10 s. */
const restartDelayMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
