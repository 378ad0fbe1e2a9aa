import type { Decision } from './decision.ts';

/** `RATE_LIMIT_HEADERS`: the current IETF draft's fields, the `X-RateLimit-*` ones, both or none. */
export type RateLimitHeaderMode = 'both' | 'draft' | 'legacy' | 'off';

/** A wait in whole seconds, rounded up; the buckets' own rounding (a millionth of a token) does not make it one more. */
const wholeSeconds = (ms: number): number => Math.ceil(ms / 1000 - 1e-5);

/** The value of `Retry-After`: whole seconds, at least 1. */
const retryAfterSeconds = (decision: Decision): number => Math.max(1, wholeSeconds(decision.retryAfterMs));

export interface RateLimitHeaders {
  readonly mode: RateLimitHeaderMode;
  /** `RateLimit-Policy` of all the rules, see `policyValue`. */
  readonly policy: string;
}

/**
 * The fields that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers), as lines that each end in CRLF: one
 * string, as every limited answer carries them. `t` of `RateLimit` and `X-RateLimit-Reset` are seconds: until the bucket
 * is full, or for a refused request until the same one would pass, so that Retry-After is never earlier than `t`. Where no
 * bucket was asked (`open`, `closed`) there is nothing to tell.
 */
export function rateLimitFields(decision: Decision, { mode, policy }: RateLimitHeaders): string {
  const refused = decision.outcome !== 'granted';
  const retryAfter = refused ? `retry-after: ${retryAfterSeconds(decision)}\r\n` : '';
  if (mode === 'off' || decision.mode === 'open' || decision.mode === 'closed') return retryAfter;
  const seconds = refused ? retryAfterSeconds(decision) : wholeSeconds(decision.resetMs);
  const left = String(decision.remaining);
  const draft =
    mode === 'legacy'
      ? ''
      : `ratelimit-policy: ${policy}\r\nratelimit: ${decision.rule.quotedName};r=${left};t=${seconds}\r\n`;
  const legacy =
    mode === 'draft'
      ? ''
      : `x-ratelimit-limit: ${decision.rule.capacityText}\r\nx-ratelimit-remaining: ${left}\r\nx-ratelimit-reset: ${seconds}\r\n`;
  return retryAfter + draft + legacy;
}

/** `RateLimit-Policy` of a lane: `"default";q=1000;w=10, "daily";q=86400;w=86400`. */
export const policyValue = (rules: readonly { readonly policyItem: string }[]): string =>
  rules.map((rule) => rule.policyItem).join(', ');
