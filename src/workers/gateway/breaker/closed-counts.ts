import { countClient, stampOf } from '../../../shared/breaker/client-table.ts';
import type { ClientId } from '../../../shared/breaker/client-table.ts';
import { soleCulprit } from '../../../shared/breaker/evidence.ts';
import {
  ATTENTION,
  BUCKETS,
  FIELD,
  FLAG,
  generationOf,
  KIND,
  rowOf,
  TRIP,
  wordOf,
} from '../../../shared/breaker/memory.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { toWrapped, untilWrapped } from '../../../shared/breaker/process-clock.ts';
import { isOfGeneration, pooledCount, withFailure, withSuccess } from '../../../shared/breaker/tally.ts';
import { bearsOut, countInWindow, evidenceOf, tripOf } from './window.ts';

export interface ClosedCall {
  readonly place: number;
  /** WORD when the request was let pass. */
  readonly token: number;
  readonly client: ClientId;
  readonly outcome: BreakerOutcome;
  readonly nowMs: number;
}

/**
 * The slow path of a CLOSED upstream: something failed of late, or failures are pending. Counts in shared memory, so
 * that the very next request of any thread sees it, and opens the breaker in the process when the count is full and the
 * clients bear it out; the front then tells the cluster, and the truth may overrule it.
 *
 * @returns whether the front has something new to look at: 0 nothing, 1 counts, 2 opened (the values of ATTENTION)
 */
export function countClosed(words: Int32Array, call: ClosedCall): number {
  const { place, token, outcome, nowMs } = call;
  const row = rowOf(place);
  if (Atomics.load(words, row + FIELD.WORD) !== token) return 0; // of an older epoch: ignored
  const flags = Atomics.load(words, row + FIELD.FLAGS);
  if ((flags & FLAG.OFF) !== 0) return 0;
  const failed = outcome === OUTCOME.FAILURE;
  const stamp = stampOf(words, row, nowMs);
  const watched = watch(words, row, { failed, nowMs });
  const windowed = watched || (flags & FLAG.COUNT_ALL) !== 0;
  if (windowed) countInWindow(words, row, { outcome, stamp });
  if (watched) countClient(words, place, { client: call.client, stamp, failed });
  const tally = changeTally(words, row, { token, failed });
  if (tally === undefined) return 0;
  let trip = outcome === OUTCOME.SUCCESS || !windowed ? TRIP.NONE : tripOf(words, row, stamp);
  if (failed) {
    const full = fullCount(words, row, { tally: tally.after, flags });
    // Of two reasons the one that the front can tell the cluster more of.
    if (trip === TRIP.NONE) trip = full;
    else if (trip === TRIP.ERROR_RATE && full !== TRIP.NONE) return open(words, call, [trip, full]) ? 2 : 1;
  }
  if (!failed && (flags & FLAG.QUORUM) !== 0) Atomics.store(words, row + FIELD.OWN, 0);
  if (trip !== TRIP.NONE && open(words, call, [trip])) return 2;
  return tally.before === tally.after ? 0 : 1;
}

/** From a failure on, for one window, requests are counted by client. */
function watch(words: Int32Array, row: number, call: { failed: boolean; nowMs: number }): boolean {
  const { failed, nowMs } = call;
  if (failed) {
    const windowMs = Atomics.load(words, row + FIELD.BUCKET_MS) * BUCKETS;
    Atomics.store(words, row + FIELD.WATCH_UNTIL, toWrapped(nowMs + windowMs) || 1);
    return true;
  }
  const untilMs = Atomics.load(words, row + FIELD.WATCH_UNTIL);
  if (untilMs === 0) return false;
  if (untilWrapped(untilMs, nowMs) > 0) return true;
  Atomics.compareExchange(words, row + FIELD.WATCH_UNTIL, untilMs, 0);
  return false;
}

/** Opens it for the first of the reasons that the clients bear out. */
function open(words: Int32Array, call: ClosedCall, trips: readonly number[]): boolean {
  const { place, token, nowMs } = call;
  const row = rowOf(place);
  const evidence = evidenceOf(words, place, { stamp: stampOf(words, row, nowMs), nowMs });
  // This very failure is not among them: the front is moving the row, and has cleared it already.
  if (call.outcome === OUTCOME.FAILURE && evidence.failing.length === 0) return false;
  const trip = trips.find((each) => bearsOut(words, row, { trip: each, evidence }));
  if (trip === undefined) return false;
  const alone = trip !== TRIP.SLOW_CALLS && soleCulprit(evidence) === call.client.text;
  const word = wordOf(generationOf(token) + 1, 'OPEN');
  if (Atomics.compareExchange(words, row + FIELD.WORD, token, word) !== token) return false; // somebody else moved it
  Atomics.store(words, row + FIELD.NARROW_LOW, alone ? call.client.low : 0);
  Atomics.store(words, row + FIELD.NARROW_HIGH, alone ? call.client.high : 0);
  Atomics.store(words, row + FIELD.OTHERS_LIMIT, 0);
  Atomics.store(words, row + FIELD.NARROW_OF, word);
  Atomics.store(words, row + FIELD.TRIP, trip);
  Atomics.store(words, row + FIELD.RETRY_AT, toWrapped(nowMs + Atomics.load(words, row + FIELD.RESET_MS)));
  return true;
}

function changeTally(
  words: Int32Array,
  row: number,
  call: { token: number; failed: boolean },
): { before: number; after: number } | undefined {
  const at = row + FIELD.TALLY;
  for (;;) {
    const before = Atomics.load(words, at);
    if (!isOfGeneration(before, generationOf(call.token))) return undefined;
    const after = call.failed ? withFailure(before) : withSuccess(before);
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
