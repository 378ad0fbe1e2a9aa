import { CUSTOMER_PREFIX_BITS, IpClients } from '../../shared/limits/ip-client.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';

/** Whoever has connections from one address: an IPv4 address, or a /64 of IPv6, which is what one subscriber gets. */
export interface Holder {
  readonly key: string;
  /** No rate holds for it: it is trusted, or on the allow-list. */
  unpaced: boolean;
  /** A proxy of ours, behind which many are: no cap of one address holds for it. */
  trusted: boolean;
  /** Its connections, those on their way to a thread included. */
  open: number;
  /** New connections it may still make, as of `filledMs`. */
  tokens: number;
  filledMs: number;
}

export interface HolderLimits {
  /** Connections of one address; 0 = no cap. */
  readonly maxConnectionsPerIp: number;
  /** New connections per second of one address, and BURST times as many at once; 0 = no cap. */
  readonly connectionRatePerIp: number;
  readonly trustedProxies: readonly string[];
  /** Addresses and CIDR blocks that no rate holds for. */
  readonly allowed: readonly string[];
}

/** So many seconds' worth of connections may come at once: a page opens several, and a device that reconnects tries again. */
const BURST = 5;
/** After this long without a connection every bucket is full again, so the address can be forgotten. */
const FULL_AFTER_MS = BURST * 1_000;
const SWEEP_EVERY_MS = 1_000;

/** Counts connections by address and says who may have another. */
export class AddressHolders {
  readonly #holders = new Map<string, Holder>();
  readonly #names = new IpClients(CUSTOMER_PREFIX_BITS);
  #limits: HolderLimits;
  #proxies: TrustedProxies;
  #allowed: TrustedProxies;
  #refusedByRate = 0;
  #sweptMs = 0;

  constructor(limits: HolderLimits) {
    this.#limits = limits;
    this.#proxies = new TrustedProxies(limits.trustedProxies);
    this.#allowed = new TrustedProxies(limits.allowed);
  }

  get size(): number {
    return this.#holders.size;
  }

  /** Connections that were one too many in their time. */
  get refusedByRate(): number {
    return this.#refusedByRate;
  }

  all(): Iterable<Holder> {
    return this.#holders.values();
  }

  /** New limits hold for connections that come from now on. */
  configure(limits: HolderLimits): void {
    this.#limits = limits;
    this.#proxies = new TrustedProxies(limits.trustedProxies);
    this.#allowed = new TrustedProxies(limits.allowed);
  }

  /** @param address canonical */
  of(address: string, nowMs: number): Holder {
    this.#sweep(nowMs);
    const key = this.#names.nameOf(address);
    let holder = this.#holders.get(key);
    if (holder === undefined) {
      const tokens = this.#limits.connectionRatePerIp * BURST;
      holder = { key, unpaced: false, trusted: false, open: 0, tokens, filledMs: nowMs };
      this.#holders.set(key, holder);
    }
    holder.trusted = this.#proxies.isTrusted(address);
    holder.unpaced = holder.trusted || this.#allowed.isTrusted(address);
    return holder;
  }

  /** Whether it may make another connection now; takes it off its rate. */
  admits(holder: Holder, nowMs: number): boolean {
    const { maxConnectionsPerIp, connectionRatePerIp: rate } = this.#limits;
    if (holder.trusted) return true;
    if (rate > 0 && !holder.unpaced) {
      holder.tokens = Math.min(rate * BURST, holder.tokens + ((nowMs - holder.filledMs) / 1000) * rate);
      holder.filledMs = nowMs;
      if (holder.tokens < 1) {
        this.#refusedByRate++;
        return false;
      }
      holder.tokens -= 1;
    }
    return maxConnectionsPerIp === 0 || holder.open < maxConnectionsPerIp;
  }

  /** It has one more, though it may have been forgotten in this very turn. */
  keep(holder: Holder): void {
    holder.open++;
    this.#holders.set(holder.key, holder);
  }

  /** One of its connections has gone, or did not come to be. */
  closed(holder: Holder): void {
    holder.open--;
    this.forget(holder);
  }

  /** Drops it where there is nothing to remember. */
  forget(holder: Holder): void {
    if (holder.open === 0 && this.#limits.connectionRatePerIp === 0) this.#holders.delete(holder.key);
  }

  /** Addresses that came and went: many, where somebody has many. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    for (const holder of this.#holders.values()) {
      if (holder.open === 0 && nowMs - holder.filledMs >= FULL_AFTER_MS) this.#holders.delete(holder.key);
    }
  }
}
