import { AsyncLocalStorage } from 'node:async_hooks';
import { monotonicMs } from '../../shared/clock.ts';

/** How long a person waits at most for what Redis says. */
export const ANSWER_WITHIN_MS = 1_000;

const ends = new AsyncLocalStorage<number>();

/** All that `work` asks Redis, one after the other, has this long together. */
export const withOneDeadline = <T>(work: () => T): T => ends.run(monotonicMs() + ANSWER_WITHIN_MS, work);

/** Milliseconds that a question which is asked now may take; 0 or less = none. */
export function patienceMs(): number {
  const endMs = ends.getStore();
  return endMs === undefined ? ANSWER_WITHIN_MS : endMs - monotonicMs();
}
