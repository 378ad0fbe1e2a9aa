import { isIP } from 'node:net';

/** Addresses by name in lower case, in the order of the file. */
export type HostsTable = ReadonlyMap<string, readonly string[]>;

/** Reads a hosts(5) file; lines that say nothing are passed over. */
export function parseHosts(text: string): HostsTable {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const known = table.get(key);
      if (known === undefined) table.set(key, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return table;
}

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/**
 * Addresses of a name that need nobody to be asked: those of the file, and `localhost` and all below it, which is this
 * machine whatever a DNS says (RFC 6761, section 6.3).
 */
export function addressesAtHand(name: string, hosts: HostsTable): readonly string[] | undefined {
  const key = name.toLowerCase().replace(/\.$/, '');
  const listed = hosts.get(key);
  if (listed !== undefined) return listed;
  return key === 'localhost' || key.endsWith('.localhost') ? LOOPBACK : undefined;
}
