import { isIPv4, isIPv6 } from 'node:net';

const MAX_CACHED = 4096;
/** IPv4 text by its 32 bits. Bounded by starting again: a full map means many clients, and each costs little to redo. */
const ipv4Texts = new Map<number, string>();

/**
 * The text of a binary address as uWebSockets.js gives it: 4 bytes, or 16 (IPv4-mapped ones come out as IPv4, others
 * as RFC 5952 says). `''` for any other length, which is what a socket that is gone has.
 */
export function addressText(bytes: ArrayBuffer): string {
  const view = new DataView(bytes);
  if (view.byteLength === 4) return ipv4Text(view.getInt32(0));
  if (view.byteLength !== 16) return '';
  if (view.getInt32(0) === 0 && view.getInt32(4) === 0 && view.getInt32(8) === 0xffff)
    return ipv4Text(view.getInt32(12));
  return ipv6Text(view);
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

function ipv4Text(bits: number): string {
  const cached = ipv4Texts.get(bits);
  if (cached !== undefined) return cached;
  const text = `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  if (ipv4Texts.size >= MAX_CACHED) ipv4Texts.clear();
  ipv4Texts.set(bits, text);
  return text;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(view: DataView): string {
  let runStart = -1;
  let runLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && view.getUint16(end * 2) === 0) end++;
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
      text += view.getUint16(group * 2).toString(16);
    }
  }
  return text;
}
