/** How an answer the gateway gives itself is written; the rest is in the exchange (request id, extra fields, HEAD). */
export interface LocalAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** `text` and the exchange's extra fields have one char a byte; else they are text, and written as UTF-8. */
  readonly isBytes?: true;
  /** The connection carries no further request. */
  readonly close: boolean;
  /** Value of Allow, for a 405 and `OPTIONS *`. */
  readonly allow: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/** Whether an answer says how long its body is: a 204 never does, and a 304 of ours does not know (RFC 9110, section 8.6). */
export const hasLength = (status: number): boolean => status !== 204 && status !== 304;
