import { isIPv4, isIPv6 } from 'node:net';
import { addressText, canonicalAddress } from '../../../../shared/net/address.ts';
import { crc32c } from '../../../../shared/net/crc32c.ts';

/**
 * The header that a proxy writes before everything else on a connection, to say whose connection it is: version 1 (a line)
 * or 2 (binary), as HAProxy's proxy-protocol.txt defines them.
 */

/** The client a proxy speaks for; the address in its canonical spelling. */
export interface ProxiedSource {
  readonly address: string;
  readonly port: number;
}

export type ProxyHeaderStep =
  | { readonly kind: 'more' }
  | {
      readonly kind: 'done';
      /** Bytes of this push that are the header's; what is behind them is the client's. */
      readonly consumed: number;
      /** `undefined`: the proxy speaks for itself (LOCAL), or does not know (UNKNOWN, a unix socket). */
      readonly source: ProxiedSource | undefined;
    }
  /** It is no such header; what follows must not be read. */
  | { readonly kind: 'bad' };

/** The longest line, CRLF included: two long IPv6 addresses. */
const MAX_V1_BYTES = 107;
/** The smallest datagram that every host must take; proxies keep within it. */
const MAX_V2_BYTES = 536;
const V1_START = Uint8Array.from(Buffer.from('PROXY ', 'latin1'));
const V2_START = Uint8Array.from(Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'));
/** Of version 2, up to and including the length of the rest. */
const V2_PREFIX_BYTES = 16;
const LF = 10;

/** What whole bytes say; `undefined`: nothing right. */
type Said = { readonly source: ProxiedSource | undefined } | undefined;

const MORE: ProxyHeaderStep = { kind: 'more' };
const BAD: ProxyHeaderStep = { kind: 'bad' };
const PEER_ITSELF: Said = { source: undefined };

/** Reads the header from however many pieces it comes in; one for a connection. Keeps at most 536 bytes. */
export class ProxyHeaderReader {
  readonly #bytes = new Uint8Array(MAX_V2_BYTES);
  #length = 0;

  /** Takes the bytes at `from` to `to`, which are not kept. Not to be called again after `done` or `bad`. */
  push(bytes: Uint8Array, from: number, to: number): ProxyHeaderStep {
    for (let at = from; at < to; at++) {
      const state = this.#take(bytes[at] as number);
      if (state === 'more') continue;
      const said = state === 'bad' ? undefined : this.#said();
      return said === undefined ? BAD : { kind: 'done', consumed: at + 1 - from, source: said.source };
    }
    return MORE;
  }

  #take(byte: number): 'more' | 'whole' | 'bad' {
    const at = this.#length++;
    this.#bytes[at] = byte;
    const start = this.#isV1 ? V1_START : V2_START;
    if (at < start.length) return byte === start[at] ? 'more' : 'bad';
    if (this.#isV1) return byte === LF ? 'whole' : this.#length < MAX_V1_BYTES ? 'more' : 'bad';
    if (this.#length < V2_PREFIX_BYTES) return 'more';
    const bytes = V2_PREFIX_BYTES + uint16(this.#bytes, V2_PREFIX_BYTES - 2);
    if (bytes > MAX_V2_BYTES) return 'bad';
    return this.#length < bytes ? 'more' : 'whole';
  }

  get #isV1(): boolean {
    return this.#bytes[0] === V1_START[0];
  }

  #said(): Said {
    const header = this.#bytes.subarray(0, this.#length);
    return this.#isV1 ? readV1(String.fromCharCode(...header)) : readV2(header);
  }
}

/** A port without leading zeros. */
const PORT = '(0|[1-9][0-9]{0,4})';
const V1 = new RegExp(`^PROXY (TCP4|TCP6) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) ${PORT} ${PORT}\r\n$`);

function readV1(line: string): Said {
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return PEER_ITSELF;
  const [, family, from = '', to = '', fromPort, toPort] = V1.exec(line) ?? [];
  const is = family === 'TCP4' ? isIPv4 : isIPv6;
  const port = Number(fromPort);
  if (!is(from) || !is(to) || !(port <= 65_535) || !(Number(toPort) <= 65_535)) return undefined;
  const address = canonicalAddress(from);
  return address === undefined ? undefined : { source: { address, port } };
}

const VERSION_2 = 0x20;
const COMMAND = { local: 0, proxy: 1 } as const;
/** Family and transport; only of streams, others cannot be what stands on a TCP connection. */
const UNSPECIFIED = 0x00;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 0x11: 4, 0x21: 16 };
const UNIX_STREAM = 0x31;
/** Two paths. */
const UNIX_BYTES = 216;

function readV2(header: Uint8Array): Said {
  const versionAndCommand = header[V2_START.length];
  const family = header[V2_START.length + 1] as number;
  if (versionAndCommand === (VERSION_2 | COMMAND.local)) return PEER_ITSELF; // whatever else it says
  if (versionAndCommand !== (VERSION_2 | COMMAND.proxy)) return undefined;
  if (family === UNSPECIFIED) return PEER_ITSELF;
  const width = ADDRESS_BYTES[family];
  if (width === undefined && family !== UNIX_STREAM) return undefined;
  const extensionsAt = V2_PREFIX_BYTES + (width === undefined ? UNIX_BYTES : 2 * width + 4);
  if (extensionsAt > header.length || !areExtensionsRight(header, extensionsAt)) return undefined;
  if (width === undefined) return PEER_ITSELF;
  // A copy, because addressText wants an ArrayBuffer of just the address.
  const address = addressText(header.slice(V2_PREFIX_BYTES, V2_PREFIX_BYTES + width).buffer);
  return { source: { address, port: uint16(header, V2_PREFIX_BYTES + 2 * width) } };
}

const CRC32C_TYPE = 0x03;
const CRC32C_BYTES = 4;

/** Type, length and value, one after the other to the end; a checksum among them is right. */
function areExtensionsRight(header: Uint8Array, start: number): boolean {
  for (let at = start; at < header.length;) {
    if (at + 3 > header.length) return false;
    const value = at + 3;
    const end = value + uint16(header, at + 1);
    if (end > header.length) return false;
    if (header[at] === CRC32C_TYPE && !(end - value === CRC32C_BYTES && isChecksumRight(header, value))) return false;
    at = end;
  }
  return true;
}

/** The checksum is of the whole header with zeros in its place. */
function isChecksumRight(header: Uint8Array, at: number): boolean {
  const zeroed = header.slice();
  zeroed.fill(0, at, at + CRC32C_BYTES);
  return crc32c(zeroed) === uint16(header, at) * 0x1_0000 + uint16(header, at + 2);
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
