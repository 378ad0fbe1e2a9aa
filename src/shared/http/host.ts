import { isIPv6 } from 'node:net';

/** DNS names have at most 255 bytes; it also bounds the work a hostile Host can ask for. */
const MAX_NAME_LENGTH = 255;
const COLON = 0x3a;
const PERCENT = 0x25;

/** Characters of an RFC 3986 reg-name but for `%`: unreserved and sub-delims. No comma: that is how lists slip in. */
const NAME_CHARACTER = new Uint8Array(128);
for (const character of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+;=") {
  NAME_CHARACTER[character.charCodeAt(0)] = 1;
}

/**
 * Whether a Host field value is one well-formed `host[:port]` (RFC 9110 7.2): a reg-name, an IPv4 address or an IPv6
 * address in brackets, and a port of 0 to 65535 or none if there is a colon (RFC 3986 3.2.3: `port = *DIGIT`).
 */
export function isValidHost(value: string): boolean {
  const end = value.charCodeAt(0) === 0x5b ? bracketEnd(value) : nameEnd(value);
  return end > 0 && (end === value.length || isPort(value, end));
}

/**
 * A Host value as routes compare it: lower case, without port, without the root's trailing dot. An IPv6 address
 * keeps its brackets. Meaningful only for values that pass {@link isValidHost}.
 */
export function hostWithoutPort(value: string): string {
  const colon = value.lastIndexOf(':');
  let end = colon === -1 || value.charCodeAt(value.length - 1) === 0x5d ? value.length : colon;
  if (end > 1 && value.charCodeAt(end - 1) === 0x2e) end--;
  return (end === value.length ? value : value.slice(0, end)).toLowerCase();
}

/** Where the name ends (at the colon or the end of the value); 0 if it is empty, too long or malformed. */
function nameEnd(value: string): number {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === COLON) return i;
    if (i >= MAX_NAME_LENGTH || code > 0x7e) return 0;
    if (NAME_CHARACTER[code] === 1) continue;
    if (code !== PERCENT || !isHex(value.charCodeAt(i + 1)) || !isHex(value.charCodeAt(i + 2))) return 0;
    i += 2;
  }
  return value.length;
}

function bracketEnd(value: string): number {
  const close = value.indexOf(']');
  // Node takes a zone (`fe80::1%eth0`), which means nothing outside the machine that wrote it.
  if (close === -1 || close > 46 || value.includes('%')) return 0;
  return isIPv6(value.slice(1, close)) ? close + 1 : 0;
}

function isPort(value: string, colon: number): boolean {
  if (value.charCodeAt(colon) !== COLON || value.length > colon + 6) return false;
  let port = 0;
  for (let i = colon + 1; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

function isHex(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}
