import { endianness } from 'node:os';
import { addressText } from './address.ts';
import { kernelText, LISTENING, TCP_TABLES, tcpSockets } from './tcp-table.ts';

/**
 * A connection takes a port of this machine, of which there are so many for each address and port it goes to; for a minute
 * after this side has closed it, it still does (TIME_WAIT).
 */

/** Ports the kernel takes for connections, from and to included; `undefined` = it does not say. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
  /** How many of them it may take. */
  readonly count: number;
}

/**
 * @param range text of /proc/sys/net/ipv4/ip_local_port_range
 * @param reserved text of ip_local_reserved_ports, such as `8080,9000-9010`
 */
export function parsePortRange(range: string, reserved: string): PortRange | undefined {
  const [, first, last] = /^(\d+)\s+(\d+)\s*$/.exec(range) ?? [];
  if (first === undefined) return undefined;
  const [from, to] = [Number(first), Number(last)];
  let kept = 0;
  for (const [, low = '', high = low] of reserved.matchAll(/(\d+)(?:-(\d+))?/g)) {
    kept += Math.max(0, Math.min(to, Number(high)) - Math.max(from, Number(low)) + 1);
  }
  return { from, to, count: Math.max(0, to - from + 1 - kept) };
}

/**
 * Counts the ports taken by connections to each `address:port` (of IPv6 without brackets), of whatever process and state.
 * @param table text of /proc/net/tcp or tcp6 (proc(5))
 */
export function countTakenPorts(
  table: string,
  { from, to }: PortRange,
  taken = new Map<string, number>(),
): Map<string, number> {
  for (const { local, remote, state } of tcpSockets(table)) {
    const port = portOf(local);
    if (state === LISTENING || !(port >= from && port <= to) || portOf(remote) === 0) continue;
    const peer = `${addressOf(remote)}:${portOf(remote)}`;
    taken.set(peer, (taken.get(peer) ?? 0) + 1);
  }
  return taken;
}

/** The port range and the taken ports of this machine (of this network namespace); `undefined` where it does not say. */
export function inspectLocalPorts():
  | { readonly range: PortRange; readonly taken: ReadonlyMap<string, number> }
  | undefined {
  const range = parsePortRange(
    kernelText('/proc/sys/net/ipv4/ip_local_port_range'),
    kernelText('/proc/sys/net/ipv4/ip_local_reserved_ports'),
  );
  if (range === undefined) return undefined;
  const taken = new Map<string, number>();
  for (const table of TCP_TABLES) countTakenPorts(kernelText(table), range, taken);
  return { range, taken };
}

/** NaN for what is no line of the table. */
const portOf = (text: string): number => Number.parseInt(text.slice(text.indexOf(':') + 1), 16);

/** The kernel writes an address as numbers of 32 bits in the machine's own order of bytes. */
function addressOf(text: string): string {
  const bytes = Buffer.from(text.slice(0, text.indexOf(':')), 'hex');
  if (endianness() === 'LE') bytes.swap32();
  return addressText(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
