import { setTimeout as rest } from 'node:timers/promises';
import { random } from '../../clock.ts';
import { S3Failure } from './failure.ts';

/** How often something is tried, and how long it rests before the second time; then twice as long each time. */
export interface Patience {
  readonly attempts: number;
  readonly firstRestMs: number;
}

export const S3_PATIENCE: Patience = { attempts: 5, firstRestMs: 500 };
const LONGEST_REST_MS = 10_000;

/** Does it again after failures that pass. Only for what may be done twice. */
export async function withPatience<T>(
  work: () => Promise<T>,
  { attempts, firstRestMs, signal }: Patience & { readonly signal: AbortSignal },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof S3Failure) || !error.passing || attempt >= attempts) throw error;
    }
    // Between half and all of it: nodes that were refused together do not come back together.
    const mostMs = Math.min(LONGEST_REST_MS, firstRestMs * 2 ** (attempt - 1));
    await rest(mostMs * (0.5 + random() / 2), undefined, { signal });
  }
}
