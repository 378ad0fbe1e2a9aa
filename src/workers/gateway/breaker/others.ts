import { clientText } from '../../../shared/breaker/client-table.ts';
import type { ClientId } from '../../../shared/breaker/client-table.ts';
import { FIELD, KIND } from '../../../shared/breaker/memory.ts';

/**
 * Whether the opening of this row was proved by one client alone, and that is not this one. In the moment between a
 * thread's opening and its word of who has proved it everybody passes.
 */
export const passesNarrow = (words: Int32Array, row: number, client: ClientId): boolean => {
  const word = Atomics.load(words, row + FIELD.WORD);
  if (Atomics.load(words, row + FIELD.NARROW_OF) !== word) return (word & 3) === KIND.OPEN;
  const low = Atomics.load(words, row + FIELD.NARROW_LOW);
  return low !== 0 && (low !== client.low || Atomics.load(words, row + FIELD.NARROW_HIGH) !== client.high);
};

/** Name of the client that proved it. */
export const culpritOf = (words: Int32Array, row: number): string =>
  clientText(Atomics.load(words, row + FIELD.NARROW_LOW), Atomics.load(words, row + FIELD.NARROW_HIGH));

/** One more request of others goes out. @returns false when there are as many as may be */
export function admitOther(words: Int32Array, row: number): boolean {
  const limit = Atomics.load(words, row + FIELD.OTHERS_LIMIT);
  if (limit === 0) return true;
  if (Atomics.add(words, row + FIELD.OTHERS, 1) < limit) return true;
  Atomics.sub(words, row + FIELD.OTHERS, 1);
  return false;
}

/** It is over; the state is still the one it was let pass in. */
export function dismissOther(words: Int32Array, row: number): void {
  if (Atomics.load(words, row + FIELD.OTHERS_LIMIT) > 0) Atomics.sub(words, row + FIELD.OTHERS, 1);
}
