import { ATTENTION, FIELD, FLAG, generationOf, KIND, TRIP, wordOf } from '../../../shared/breaker/memory.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { toWrapped } from '../../../shared/breaker/process-clock.ts';
import { isOfGeneration, pooledCount, withFailure, withSuccess } from '../../../shared/breaker/tally.ts';
import { countInWindow } from './window.ts';

export interface ClosedCall {
  readonly row: number;
  /** WORD when the request was let pass. */
  readonly token: number;
  readonly outcome: BreakerOutcome;
  readonly nowMs: number;
}

/**
 * The slow path of a CLOSED upstream: something failed, or failures are pending. Counts in shared memory, so that the
 * very next request of any thread sees it, and opens the breaker in the process when the count is full; the front
 * then tells the cluster, and the truth may overrule it.
 *
 * @returns whether the front has something new to look at: 0 nothing, 1 counts, 2 opened (the values of ATTENTION)
 */
export function countClosed(words: Int32Array, call: ClosedCall): number {
  const { row, token } = call;
  if (Atomics.load(words, row + FIELD.WORD) !== token) return 0; // of an older epoch: ignored
  const flags = Atomics.load(words, row + FIELD.FLAGS);
  if ((flags & FLAG.OFF) !== 0) return 0;
  let trip = (flags & FLAG.WINDOW) === 0 ? TRIP.NONE : countInWindow(words, row, call);
  const failed = call.outcome === OUTCOME.FAILURE;
  const tally = changeTally(words, call, failed);
  if (tally === undefined) return 0;
  if (trip === TRIP.NONE && failed) trip = fullCount(words, row, { tally: tally.after, flags });
  if (!failed && (flags & FLAG.QUORUM) !== 0) Atomics.store(words, row + FIELD.OWN, 0);
  if (trip === TRIP.NONE) return tally.before === tally.after ? 0 : 1;
  const open = wordOf(generationOf(token) + 1, 'OPEN');
  if (Atomics.compareExchange(words, row + FIELD.WORD, token, open) !== token) return 1; // somebody else moved it
  Atomics.store(words, row + FIELD.TRIP, trip);
  Atomics.store(words, row + FIELD.RETRY_AT, toWrapped(call.nowMs + Atomics.load(words, row + FIELD.RESET_MS)));
  return 2;
}

function changeTally(
  words: Int32Array,
  call: ClosedCall,
  failed: boolean,
): { before: number; after: number } | undefined {
  const at = call.row + FIELD.TALLY;
  for (;;) {
    const before = Atomics.load(words, at);
    if (!isOfGeneration(before, generationOf(call.token))) return undefined;
    const after = failed ? withFailure(before) : withSuccess(before);
    if (before === after || Atomics.compareExchange(words, at, before, after) === before) return { before, after };
  }
}

function fullCount(words: Int32Array, row: number, seen: { tally: number; flags: number }): number {
  const threshold = Atomics.load(words, row + FIELD.THRESHOLD);
  const own = (seen.flags & FLAG.QUORUM) === 0 ? 0 : Atomics.add(words, row + FIELD.OWN, 1) + 1;
  if (own >= threshold) return TRIP.OWN;
  return pooledCount(seen.tally) >= threshold ? TRIP.POOLED : TRIP.NONE;
}

/** Raises ATTENTION to `level`; true when the front must be sent a message to see it. */
export function raiseAttention(words: Int32Array, level: number): boolean {
  if (level === 0) return false;
  if (level === 1) return Atomics.compareExchange(words, ATTENTION, 0, 1) === 0;
  return Atomics.exchange(words, ATTENTION, 2) !== 2;
}

/** CLOSED words are the only tokens with these bits 0. */
export const isClosedToken = (token: number): boolean => token >= 0 && (token & 3) === KIND.CLOSED;
