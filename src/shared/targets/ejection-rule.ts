import type { ErrorCode } from '../errors.ts';

/** When a target of an upstream is left out, and for how long: pure, for threads and front alike. */

/** Why a target was ejected: what the last of the failures was. */
export const EJECTION_REASONS = ['connect_failure', 'reset', 'timeout', 'bad_answer', 'status'] as const;
export type EjectionReason = (typeof EJECTION_REASONS)[number];

/** No ejection lasts longer. */
const LONGEST_MS = 300_000;

/** How long the n-th ejection of a target lasts. */
export const ejectionMs = (baseMs: number, times: number): number => Math.min(baseMs * times, LONGEST_MS);

/** What of the ejections before counts, so long after the target came back: it is forgotten as fast as it was served. */
export const timesLeft = (times: number, sinceMs: number, baseMs: number): number =>
  Math.max(0, times - Math.floor(Math.max(0, sinceMs) / baseMs));

/** Targets that may be ejected at a time: the share rounded down, but one of two; never all. */
export function mostEjected(targets: number, maxPercent: number): number {
  if (maxPercent === 0) return 0;
  return targets === 2 ? 1 : Math.min(targets - 1, Math.floor((targets * maxPercent) / 100));
}

/** Whether a status of the answer says that this target does not work (RFC 9110, section 15.6): 500 may be the request's. */
export const isTargetFailure = (status: number): boolean => status >= 502 && status <= 504;

const REASON_OF: ReadonlyMap<ErrorCode, EjectionReason> = new Map([
  ['upstream_reset', 'reset'],
  ['upstream_headers_timeout', 'timeout'],
  ['upstream_body_timeout', 'timeout'],
  ['upstream_total_timeout', 'timeout'],
  ['upstream_bad_response', 'bad_answer'],
]);

/** What an error that ends a request on a connection says of its target; undefined: nothing. */
export const reasonOfError = (code: ErrorCode): EjectionReason | undefined => REASON_OF.get(code);

/** What it says of a target that no connection to it came about; undefined: nothing, as it is this machine's doing. */
export const reasonOfConnect = (code: ErrorCode): EjectionReason | undefined =>
  code === 'overloaded' || code === 'upstream_unresolved' ? undefined : 'connect_failure';
