/** Byte values and byte classes of HTTP/1.1 messages (RFC 9110 5.5, 5.6.2; RFC 9112 2.2). */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** 1 where a byte may stand in a token (field names, list members). */
export const TOKEN_BYTE = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN_BYTE[c.charCodeAt(0)] = 1;
}

/** What VALUE_BYTE holds for obs-text (0x80–0xFF), so that or-ing a value's classes tells whether it is plain ASCII. */
export const OBS_TEXT = 2;

/** 0 where a byte may not stand in a field value or reason: every CTL but HTAB. 1 for ASCII, OBS_TEXT for the rest. */
export const VALUE_BYTE = new Uint8Array(256).fill(1, SP, 0x7f).fill(OBS_TEXT, 0x80);
VALUE_BYTE[HTAB] = 1;

/** Does `bytes` hold `lower` (lower case letters, "-", "=") at `at`, in any case? There must be no CTL there. */
export function matchesToken(bytes: Buffer, at: number, lower: Uint8Array): boolean {
  // Or-ing 0x20 maps a letter to its lower case, leaves the rest, and makes only CTLs look like one of these.
  for (let i = 0; i < lower.length; i++) {
    if (((bytes[at + i] as number) | 0x20) !== lower[i]) return false;
  }
  return true;
}

/** SP or HTAB (RFC 9110 5.6.3). */
export function isBlank(b: number | undefined): boolean {
  return b === SP || b === HTAB;
}

/** Bytes [start, end) as one char each. `latin1Slice` is what `toString` calls in the end, 50 ns later; libraries rely on it. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end);
}
