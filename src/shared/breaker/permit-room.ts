import type { BreakerRule } from './rule.ts';
import type { BreakerState } from './state.ts';

/** Stands between a permit's own name and the client that asked for it. */
const MARK = '~';

/** A permit's name that says who asked for it. */
export const permitOf = (name: string, client: string): string => (client === '' ? name : `${name}${MARK}${client}`);

/** Who asked for a permit; undefined = it does not say (a node of an older version). */
export function clientOf(permit: string): string | undefined {
  const at = permit.indexOf(MARK);
  return at < 0 ? undefined : permit.slice(at + 1);
}

/**
 * Whether one more probe may go out: as many as successes are missing. Where one client has them all, another may have
 * one more, so that nobody keeps others out by holding probes.
 */
export function hasRoom(
  state: Extract<BreakerState, { kind: 'HALF_OPEN' }>,
  permit: string,
  rule: Pick<BreakerRule, 'halfOpenSuccesses'>,
): boolean {
  const { permits, successes } = state;
  if (permits.length < rule.halfOpenSuccesses - successes) return true;
  const asker = clientOf(permit);
  const [first] = permits;
  const holder = first && clientOf(first.id);
  if (asker === undefined || holder === undefined || asker === holder) return false;
  return permits.every(({ id }) => clientOf(id) === holder);
}
