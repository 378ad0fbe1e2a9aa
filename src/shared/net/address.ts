import { isIPv4, isIPv6 } from 'node:net';

const MAX_CACHED = 4096;
/** IPv4 text by its 32 bits. Bounded by starting again: a full map means many clients, and each costs little to redo. */
const ipv4Texts = new Map<number, string>();

/**
 * The text of a binary address as uWebSockets.js gives it: 4 bytes, or 16 (IPv4-mapped ones come out as IPv4, others
 * as RFC 5952 says). `''` for any other length, which is what a socket that is gone has.
 */
export function addressText(bytes: ArrayBuffer): string {
  // Not a DataView: making one costs four times as much (100 ns, more than all the rest).
  const octets = new Uint8Array(bytes);
  if (octets.length === 4) return ipv4Text(bitsAt(octets, 0));
  if (octets.length !== 16) return '';
  const isMapped = bitsAt(octets, 0) === 0 && bitsAt(octets, 4) === 0 && bitsAt(octets, 8) === 0xffff;
  return isMapped ? ipv4Text(bitsAt(octets, 12)) : ipv6Text(octets);
}

/**
 * One spelling per address, so that addresses can be compared and counted as strings: IPv4 dotted, IPv4-mapped IPv6
 * as IPv4, IPv6 as RFC 5952 says. `undefined` if the text is no address; a zone (`%eth0`) makes it none.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // WHATWG URL serialises as RFC 5952 says, and always in hex (inet_ntop writes `::2:3` as `::0.2.0.3`).
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  return mapped === null ? address : ipv4Text((Number(`0x${mapped[1]}`) << 16) | Number(`0x${mapped[2]}`));
}

/** Whether it is an address of this machine alone, in whatever spelling. */
export function isLoopback(text: string): boolean {
  const canonical = canonicalAddress(text);
  return canonical !== undefined && (canonical === '::1' || canonical.startsWith('127.'));
}

const MAPPED = '::ffff:';

/** The canonical text of an address as the kernel names the other end of a socket: perhaps mapped, or with a zone. */
export function peerAddress(text: string): string {
  if (text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length))) return text.slice(MAPPED.length);
  if (isIPv4(text)) return text;
  const zone = text.indexOf('%');
  return canonicalAddress(zone < 0 ? text : text.slice(0, zone)) ?? text;
}

function ipv4Text(bits: number): string {
  const cached = ipv4Texts.get(bits);
  if (cached !== undefined) return cached;
  const text = `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  if (ipv4Texts.size >= MAX_CACHED) ipv4Texts.clear();
  ipv4Texts.set(bits, text);
  return text;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(octets: Uint8Array): string {
  let runStart = -1;
  let runLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groupAt(octets, end) === 0) end++;
    if (end - start > runLength) {
      runStart = start;
      runLength = end - start;
    }
  }
  let text = '';
  for (let group = 0; group < 8; group++) {
    if (group === runStart) {
      text += '::';
      group += runLength - 1;
    } else {
      if (text !== '' && !text.endsWith(':')) text += ':';
      text += groupAt(octets, group).toString(16);
    }
  }
  return text;
}

/** The octets at 0 to 3 past `at`, as a signed 32-bit number. */
function bitsAt(octets: Uint8Array, at: number): number {
  return (groupAt(octets, at / 2) << 16) | groupAt(octets, at / 2 + 1);
}

function groupAt(octets: Uint8Array, group: number): number {
  return ((octets[group * 2] ?? 0) << 8) | (octets[group * 2 + 1] ?? 0);
}
