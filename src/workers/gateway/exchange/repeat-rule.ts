import { wallClockMs } from '../../../shared/clock.ts';
import type { RetriesConfig } from '../../../shared/config/retries/types.ts';
import { isIdempotent } from '../../../shared/http/method.ts';
import type { RetryReason } from '../../../shared/metrics/layout.ts';
import { reasonOfConnect } from '../../../shared/targets/ejection-rule.ts';
import type { ErrorCode } from '../../../shared/errors.ts';

/** Above this a body is not held for another attempt. */
const MOST_BODY_BYTES = 64 * 1024;
const SHORTEST_PAUSE_MS = 25;
const PAUSES = 10;
/** An upstream that wants to be left alone for longer is. */
export const MOST_RETRY_AFTER_MS = 1_000;

/** A request, as far as it may be sent a second time. */
export interface RepeatedRequest {
  readonly method: string;
  /** Lines of its header. */
  readonly fields: string;
  readonly body: { readonly ended: boolean; readonly streamed: boolean; readonly receivedBytes: number } | undefined;
}

/** Whether all of it is at hand. */
export const isWhole = ({ body }: RepeatedRequest): boolean =>
  body === undefined || (body.ended && !body.streamed && body.receivedBytes <= MOST_BODY_BYTES);

/** Its client has said that two of them are one (draft-ietf-httpapi-idempotency-key-header). */
const KEY_LINE = /(?:^|\n)idempotency-key:[ \t]*[^\s]/i;

/** Whether a request of which something was sent may be sent again: that must be as good as once (RFC 9110, section 9.2.2). */
export const mayComeTwice = (request: RepeatedRequest, { anyMethod }: RetriesConfig): boolean =>
  anyMethod || isIdempotent(request.method) || KEY_LINE.test(request.fields);

/** Why an error may be a reason to send the request again; undefined: never. @param unsent nothing of it was sent */
export function repeatReason(code: ErrorCode, unsent: boolean, { failures }: RetriesConfig): RetryReason | undefined {
  if (unsent) {
    const ours = reasonOfConnect(code) === undefined || code === 'upstream_queue_full' || code === 'too_many_in_flight';
    return !ours && failures.includes('connect_failure') ? 'connect_failure' : undefined;
  }
  return code === 'upstream_reset' && failures.includes('reset') ? 'reset' : undefined;
}

/** Where there is no other target: full jitter in steps, as waits of one length share a list. @param random in [0, 1) */
export const pauseMs = (random: number): number => SHORTEST_PAUSE_MS * (1 + Math.floor(random * PAUSES));

const RETRY_AFTER = /(?:^|\n)retry-after:[ \t]*([^\r\n]*)/i;

/** What Retry-After of an answer asks for (RFC 9110, section 10.2.3), in ms; 0 = nothing. @param fields lines of its header */
export function retryAfterMs(fields: string): number {
  const value = RETRY_AFTER.exec(fields)?.[1]?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = value === '' ? Number.NaN : Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallClockMs());
}
