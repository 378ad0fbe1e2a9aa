import { isIP } from 'node:net';

/** What resolv.conf(5) says of how names are asked for. */
export interface ResolvConf {
  /** Addresses of the servers in their order; empty = none is named. */
  readonly servers: readonly string[];
  /** Domains that are tried behind a name, without dots at either end. */
  readonly search: readonly string[];
  /** A name with so many dots is tried as it is before the search list. */
  readonly ndots: number;
  /** How long a server may take, as the file has it. */
  readonly timeoutMs: number;
  /** How often all servers are asked. */
  readonly attempts: number;
}

/** As glibc does without a file, but for the server on this machine, which is hardly there. */
export const NO_RESOLV_CONF: ResolvConf = { servers: [], search: [], ndots: 1, timeoutMs: 5_000, attempts: 2 };

/** What glibc takes at most (resolv.h: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY). */
const MOST = { servers: 3, ndots: 15, timeoutSeconds: 30, attempts: 5 } as const;

const withoutDots = (domain: string): string => domain.replaceAll(/^\.+|\.+$/g, '');

/** Reads a resolv.conf; what it does not know it passes over, as the C library does. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let { ndots, timeoutMs, attempts } = NO_RESOLV_CONF;
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver') {
      const [server = ''] = words;
      if (isIP(server.replace(/%.*$/, '')) !== 0 && servers.length < MOST.servers) servers.push(server);
    } else if (keyword === 'search' || keyword === 'domain') {
      const domains = keyword === 'domain' ? words.slice(0, 1) : words;
      search = domains.map(withoutDots).filter((domain) => domain !== ''); // the last line of either kind holds
    } else if (keyword === 'options') {
      for (const word of words) {
        const [, option, digits] = /^(ndots|timeout|attempts):(\d{1,9})$/.exec(word) ?? [];
        if (option === 'ndots') ndots = Math.min(Number(digits), MOST.ndots);
        else if (option === 'timeout') timeoutMs = 1_000 * Math.max(1, Math.min(Number(digits), MOST.timeoutSeconds));
        else if (option === 'attempts') attempts = Math.max(1, Math.min(Number(digits), MOST.attempts));
      }
    }
  }
  return { servers, search, ndots, timeoutMs, attempts };
}

/** The names that are asked for in turn, all without a dot at the end. @param name with one: exactly that name */
export function candidates(name: string, { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const longer = search.map((domain) => `${name}.${domain}`);
  return dots >= ndots ? [name, ...longer] : [...longer, name];
}
