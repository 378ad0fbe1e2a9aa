import type { Decision } from './decision.ts';

/** `RATE_LIMIT_HEADERS`: the current IETF draft's fields, the `X-RateLimit-*` ones, both or none. */
export type RateLimitHeaderMode = 'both' | 'draft' | 'legacy' | 'off';

/** Takes one field of the answer. */
export type FieldWriter = (name: string, value: string) => void;

/** A wait in whole seconds, rounded up; the buckets' own rounding (a millionth of a token) does not make it one more. */
const wholeSeconds = (ms: number): number => Math.ceil(ms / 1000 - 1e-5);

/** The value of `Retry-After`: whole seconds, at least 1. */
export const retryAfterSeconds = (decision: Decision): number => Math.max(1, wholeSeconds(decision.retryAfterMs));

/**
 * Writes the fields that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers). `t` of `RateLimit` and
 * `X-RateLimit-Reset` are seconds: until the bucket is full, or for a refused request until the same one would pass, so
 * that Retry-After is never earlier than `t`. Where no bucket was asked (`open`, `closed`) there is nothing to tell.
 * @param policy `RateLimit-Policy` of all the rules, see `policyValue`
 */
export function writeRateLimitHeaders(
  decision: Decision,
  how: { readonly mode: RateLimitHeaderMode; readonly policy: string },
  write: FieldWriter,
): void {
  const refused = decision.outcome !== 'granted';
  if (refused) write('retry-after', String(retryAfterSeconds(decision)));
  const { mode } = how;
  if (mode === 'off' || decision.mode === 'open' || decision.mode === 'closed') return;
  const seconds = refused ? retryAfterSeconds(decision) : wholeSeconds(decision.resetMs);
  if (mode !== 'legacy') {
    write('ratelimit-policy', how.policy);
    write('ratelimit', `${decision.rule.quotedName};r=${decision.remaining};t=${seconds}`);
  }
  if (mode !== 'draft') {
    write('x-ratelimit-limit', String(decision.limit));
    write('x-ratelimit-remaining', String(decision.remaining));
    write('x-ratelimit-reset', String(seconds));
  }
}

/** `RateLimit-Policy` of a lane: `"default";q=1000;w=10, "daily";q=86400;w=86400`. */
export const policyValue = (rules: readonly { readonly policyItem: string }[]): string =>
  rules.map((rule) => rule.policyItem).join(', ');
