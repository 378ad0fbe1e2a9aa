import type { ErrorCode } from '../../../shared/errors.ts';

/** How an answer the gateway gives itself is written; the rest is in the exchange (request id, extra fields, HEAD). */
export interface LocalAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** The connection carries no further request. */
  readonly close: boolean;
  /** Value of Allow, for a 405 and `OPTIONS *`. */
  readonly allow: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/** Refusals after which the connection cannot carry another request: what follows on it is not to be trusted, or not wanted. */
export const CLOSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bad_request',
  'header_too_large',
  'uri_too_long',
  'http_version_not_supported',
  'length_required',
  'body_too_large',
  'header_timeout',
  'request_timeout',
  'overloaded',
  'internal_error',
]);

/** Seconds after which a client may try again, for refusals that pass by themselves. */
export const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  upstream_queue_full: 1,
  overloaded: 1,
  draining: 1,
};
