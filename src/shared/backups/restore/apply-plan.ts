import { EVENTS_CHANNEL } from '../../redis/keys.ts';
import type { Report } from '../fetch-clear.ts';
import type { RestorePlan } from './plan.ts';
import { whyRefused } from './target.ts';
import type { RestoreTarget } from './target.ts';
import { writeKeys } from './write-keys.ts';

/** Keys that are under way at once. */
const BATCH = 500;

export interface Applied {
  readonly written: number;
  /** In the backup, but their time was over before they could be written. */
  readonly expired: number;
  readonly removed: number;
}

interface Applying {
  /** Keys in the way are written over, and those of the same kinds that the backup does not have are removed. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly report: Report;
}

/**
 * Puts keys back, each in one step with the time at which it ends, and tells the gateways that they are others.
 * @throws {Error} when the target refuses; the message says how many were written before
 */
export async function applyPlan(
  plan: RestorePlan,
  target: RestoreTarget,
  { force, signal, report }: Applying,
): Promise<Applied> {
  let [written, expired, removed] = [0, 0, 0];
  const totalKeys = plan.writes.length;
  try {
    for (let at = 0; at < totalKeys; at += BATCH) {
      signal.throwIfAborted();
      report({ step: 'write', doneKeys: at, totalKeys });
      const batch = plan.writes.slice(at, at + BATCH);
      const wrote = await writeKeys(target.client, batch, force);
      written += wrote;
      expired += batch.length - wrote;
    }
    const removals = force ? plan.removals : [];
    for (let at = 0; at < removals.length; at += BATCH) {
      signal.throwIfAborted();
      const batch = removals.slice(at, at + BATCH);
      const counts = await Promise.all(batch.map((key) => target.client.unlink(key)));
      removed += counts.reduce((sum, count) => sum + count, 0);
    }
  } catch (error) {
    if (written > 0 || removed > 0) await tellGateways(target);
    const done = `at least ${written} of ${totalKeys} keys were written and ${removed} removed before`;
    const why = signal.aborted ? String(signal.reason) : `the target refuses: ${whyRefused(error)}`;
    throw new Error(`${why}; ${done}`, { cause: error });
  }
  await tellGateways(target);
  return { written, expired, removed };
}

/** Bans are read again at once; of breakers every node reads all once a second. */
async function tellGateways({ client }: RestoreTarget): Promise<void> {
  // A hint that is lost is no failure: what is in Redis is looked at anyway.
  await client.publish(EVENTS_CHANNEL, JSON.stringify({ type: 'limit-overrides' })).catch(() => {});
}
