import { setTimeout as rest } from 'node:timers/promises';
import { monotonicMs } from '../../shared/clock.ts';

/** Rests shorter than this are saved up: timers do not go below a millisecond, and each wakes the thread. */
const LEAST_REST_MS = 2;

/**
 * Passes chunks on, and rests between them so that what is done with each takes this share of the time. Not told by the
 * processor's own count: zlib and the disk work on threads whose time nobody attributes.
 */
export async function* paced(source: AsyncIterable<Buffer>, share: number): AsyncGenerator<Buffer> {
  let owedMs = 0;
  let sinceMs = monotonicMs();
  for await (const chunk of source) {
    yield chunk;
    owedMs += (monotonicMs() - sinceMs) * (1 / share - 1);
    if (owedMs >= LEAST_REST_MS) {
      const beganMs = monotonicMs();
      await rest(owedMs);
      owedMs -= monotonicMs() - beganMs;
    }
    sinceMs = monotonicMs();
  }
}
