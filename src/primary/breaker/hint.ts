import type { BreakerEvent } from '../../shared/redis/events.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';

/**
 * What a message of the channel makes of what the cluster last said.
 * @returns undefined when it says nothing new; `read-again` when only the truth itself can tell
 */
export function hintedBy(event: BreakerEvent, cluster: BreakerSnapshot): BreakerSnapshot | 'read-again' | undefined {
  if (event.type === 'circuit-breaker-failures') {
    // The time left of a snapshot is that of when it came: one that is forced must not be shown a second time.
    const counts = cluster.kind === 'CLOSED' && cluster.forced === undefined;
    return counts && event.epoch === cluster.epoch ? { ...cluster, failures: event.failures } : undefined;
  }
  if (event.epoch <= cluster.epoch) return undefined;
  const { to: kind, epoch, failures, reason, open_for_ms: openForMs, forced_for_ms: forMs } = event;
  // A node of a version without overrides has moved it: the script will say what holds.
  if (forMs === undefined && cluster.forced !== undefined) return 'read-again';
  const forced = kind === 'HALF_OPEN' || forMs === undefined || forMs === 0 ? undefined : { state: kind, forMs };
  return { ...cluster, kind, epoch, failures, reason, openForMs, forced, narrow: event.narrow ?? '', successes: 0 };
}
