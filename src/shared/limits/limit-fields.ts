import type { Decision } from './decision.ts';
import { writeRateLimitHeaders, type RateLimitHeaderMode } from './rate-limit-headers.ts';

let block = '';
const append = (name: string, value: string): void => {
  block += `${name}: ${value}\r\n`;
};

/**
 * The fields that tell a client where it stands, as lines that each end in CRLF. One call is over before the next
 * begins, so all share one string under construction.
 */
export function limitFields(
  decision: Decision,
  how: { readonly mode: RateLimitHeaderMode; readonly policy: string },
): string {
  block = '';
  writeRateLimitHeaders(decision, how, append);
  return block;
}
