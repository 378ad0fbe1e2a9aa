import { promises as dns } from 'node:dns';
import { setTimeout as wait } from 'node:timers/promises';
import { codeOf, inOrder } from './look-up.ts';
import type { LookUp } from './look-up.ts';
import { candidates } from './resolv-conf.ts';
import type { ResolvConf } from './resolv-conf.ts';

/** A server that answers at all does so within this. One that is silent then holds nobody up for long. */
const MOST_PER_QUERY_MS = 700;
const MOST_ATTEMPTS = 2;
/** How long IPv6 addresses are waited for once there are IPv4 ones (RFC 8305, section 3, for the other way round). */
const SECOND_FAMILY_MS = 50;

/** Servers that answered and do not know: with another name they might. Else none has answered. */
const ANSWERED: ReadonlySet<string> = new Set(['ESERVFAIL', 'EREFUSED', 'ENOTIMP', 'EFORMERR', 'EBADRESP', 'EBADNAME']);
const MISSING: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** Asks the DNS servers of resolv.conf, by c-ares, which waits for sockets and blocks no thread. */
export class DnsServers {
  readonly #servers: readonly string[];
  #resolver: dns.Resolver | undefined;
  #madeFor = '';

  /** @param servers asked in place of those of resolv.conf, with `:port` if it is another; empty = those */
  constructor(servers: readonly string[] = []) {
    this.#servers = servers;
  }

  /** Never rejects. */
  async find(name: string, conf: ResolvConf): Promise<LookUp> {
    const resolver = this.#resolverFor(conf);
    let refusal: LookUp | undefined;
    for (const candidate of candidates(name, conf)) {
      const found = await addressesOf(resolver, candidate);
      if (found.kind === 'found') return found;
      if (found.kind === 'none') continue;
      // As silent as for this one they would be for the next.
      if (!ANSWERED.has(found.code)) return found;
      refusal = found;
    }
    return refusal ?? { kind: 'none', code: 'ENOTFOUND' };
  }

  #resolverFor(conf: ResolvConf): dns.Resolver {
    const servers = this.#servers.length > 0 ? this.#servers : conf.servers;
    const timeout = Math.min(conf.timeoutMs, MOST_PER_QUERY_MS);
    const tries = Math.min(conf.attempts, MOST_ATTEMPTS);
    const madeFor = [timeout, tries, ...servers].join(' ');
    if (this.#resolver === undefined || this.#madeFor !== madeFor) {
      this.#resolver = new dns.Resolver({ timeout, tries });
      if (servers.length > 0) this.#resolver.setServers(servers);
      this.#madeFor = madeFor;
    }
    return this.#resolver;
  }
}

async function addressesOf(resolver: dns.Resolver, name: string): Promise<LookUp> {
  const second = query(() => resolver.resolve6(name, { ttl: true }));
  const first = await query(() => resolver.resolve4(name, { ttl: true }));
  if (first.kind !== 'found') {
    const other = await second;
    return other.kind === 'none' ? first : other;
  }
  const over = new AbortController();
  const late = wait(SECOND_FAMILY_MS, undefined, { signal: over.signal }).catch(() => undefined);
  const other = await Promise.race([second, late]);
  over.abort();
  if (other?.kind !== 'found') return first;
  return {
    kind: 'found',
    addresses: inOrder([...first.addresses, ...other.addresses]),
    ttlMs: Math.min(first.ttlMs ?? 0, other.ttlMs ?? 0),
  };
}

async function query(ask: () => Promise<readonly { address: string; ttl: number }[]>): Promise<LookUp> {
  try {
    const records = await ask();
    const ttlMs = 1_000 * Math.min(...records.map(({ ttl }) => ttl));
    if (records.length === 0) return { kind: 'none', code: 'ENODATA' };
    return { kind: 'found', addresses: inOrder(records.map(({ address }) => address)), ttlMs };
  } catch (error) {
    const code = codeOf(error);
    return { kind: MISSING.has(code) ? 'none' : 'failed', code };
  }
}
