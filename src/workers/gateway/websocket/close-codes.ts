/** Codes of close frames (RFC 6455, section 7.4, and IANA's registry). */
export const CLOSE = {
  goingAway: 1001,
  protocolError: 1002,
  /** Stands for a close frame without a code; never sent. */
  none: 1005,
  /** Stands for no close frame at all; never sent. */
  abnormal: 1006,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
  badGateway: 1014,
} as const;

/** The code that begins a close frame's payload; 1005 = there is none. @param payload one char a byte */
export const closeCode = (payload: string): number =>
  payload.length < 2 ? CLOSE.none : payload.charCodeAt(0) * 256 + payload.charCodeAt(1);

/** Reserved for what no frame says: no code, no close, no TLS; and one that never had a meaning. */
const NEVER_SENT: readonly number[] = [1004, 1005, 1006, 1015];

/** Whether a code may be sent: those with a meaning, those that may get one, and those of applications. */
export const mayStandInFrame = (code: number): boolean =>
  code >= 1000 && code < 5000 && !NEVER_SENT.includes(code) && (code < 1016 || code >= 3000);
