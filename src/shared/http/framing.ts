/**
 * The value of a Content-Length field; -1 unless it is digits only (RFC 9110 8.6) and at most 2^53 - 1.
 * No sign, space, list or empty value: where two parsers can differ, request smuggling starts.
 */
export function parseContentLength(value: string): number {
  if (value.length === 0) return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    // Exact: a sum above the limit cannot round down below 2^53.
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

/** Whether a Transfer-Encoding value is exactly `chunked`, the only coding the gateway takes (RFC 9112 7). */
export function isChunked(value: string): boolean {
  // Not toLowerCase(): it makes a `k` of the Kelvin sign, and `/i` without `u` does not.
  return value === 'chunked' || /^chunked$/i.test(value);
}
