import { isIP } from 'node:net';
import { monotonicMs } from '../../shared/clock.ts';
import { DnsServers } from './dns-servers.ts';
import { addressesAtHand, parseHosts } from './hosts-file.ts';
import type { HostsTable } from './hosts-file.ts';
import { inOrder } from './look-up.ts';
import type { LookUp } from './look-up.ts';
import { parseResolvConf } from './resolv-conf.ts';
import type { ResolvConf } from './resolv-conf.ts';
import { SystemLookUp } from './system-look-up.ts';
import { WatchedFile } from './watched-file.ts';

/** A look-up of the system whose turn has not come within this is not made. */
const SYSTEM_TURN_MS = 4_000;

export interface NameSourcesOptions {
  /** Default: /etc/hosts. */
  readonly hostsFile?: string;
  /** Default: /etc/resolv.conf. */
  readonly resolvConfFile?: string;
  /** DNS servers in place of those of resolv.conf, as `address:port`. */
  readonly servers?: readonly string[];
  readonly system?: SystemLookUp;
}

/** Everybody who may know the addresses of a name, in the order in which they are asked. */
export class NameSources {
  readonly #hosts: WatchedFile<HostsTable>;
  readonly #resolvConf: WatchedFile<ResolvConf>;
  readonly #dns: DnsServers;
  readonly #system: SystemLookUp;

  constructor(options: NameSourcesOptions = {}) {
    this.#hosts = new WatchedFile(options.hostsFile ?? '/etc/hosts', parseHosts);
    this.#resolvConf = new WatchedFile(options.resolvConfFile ?? '/etc/resolv.conf', parseResolvConf);
    this.#dns = new DnsServers(options.servers);
    this.#system = options.system ?? new SystemLookUp();
  }

  /**
   * A literal address; the hosts file; DNS, with resolv.conf's search list; then the system's other sources. Never
   * rejects, and may take as long as they do.
   * @param name with a dot at the end: exactly that name, without the search list
   */
  async find(name: string): Promise<LookUp> {
    if (isIP(name) !== 0) return { kind: 'found', addresses: [name], ttlMs: undefined };
    const nowMs = monotonicMs();
    const atHand = addressesAtHand(name, this.#hosts.read(nowMs));
    if (atHand !== undefined) return { kind: 'found', addresses: inOrder(atHand), ttlMs: undefined };
    const byDns = await this.#dns.find(name, this.#resolvConf.read(nowMs));
    if (byDns.kind === 'found') return byDns;
    const bySystem = await this.#system.find(name, SYSTEM_TURN_MS);
    return bySystem.kind === 'found' ? bySystem : byDns; // the DNS knows better why there is none
  }
}
