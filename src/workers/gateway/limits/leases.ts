import type { LimitLane, PendingWant } from './limit-lane.ts';

/** Tokens that were not used for so long go back to their bucket. */
const UNUSED_MS = 1_000;
/** A client that asks again within this is worth taking tokens ahead for. */
const HOT_MS = 100;

interface Held {
  units: number;
  readonly want: PendingWant;
  expiresMs: number;
}

export interface LeasesOptions {
  readonly clock: () => number;
  readonly giveBack: (lane: LimitLane, client: string, units: number) => void;
}

/**
 * Requests taken ahead for hot clients (`RATE_LIMIT_LEASE`). They are charged at the store when taken, so the sum that
 * all nodes take never exceeds the limit; but they may be spent later than they were taken: at worst lease × threads ×
 * nodes more requests pass in a stretch of time than the bucket alone would have allowed in it.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Map<LimitLane, Map<string, Held>>();
  /** Wants under way that take ahead: one client never has two. */
  readonly #asking = new Map<LimitLane, Set<string>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Spends one; the want it came from (levels for the answer), or undefined when there is none. */
  spend(lane: LimitLane, client: string): PendingWant | undefined {
    const held = this.#held.get(lane)?.get(client);
    if (held === undefined || held.units === 0) return undefined;
    held.units--;
    held.expiresMs = this.#options.clock() + UNUSED_MS;
    return held.want;
  }

  /** Requests in hand for a client. */
  inHand(lane: LimitLane, client: string): number {
    return this.#held.get(lane)?.get(client)?.units ?? 0;
  }

  /** How many to take ahead with this want. */
  ahead(want: PendingWant): number {
    const { lane, client } = want;
    if (this.#closed) return 0;
    const known = lane.known.get(client);
    const isHot = want.waiters.length > 1 || (known !== undefined && this.#options.clock() - known.settledMs < HOT_MS);
    if (!isHot || this.inHand(lane, client) > 0) return 0;
    let asking = this.#asking.get(lane);
    if (asking === undefined) this.#asking.set(lane, (asking = new Set()));
    if (asking.has(client)) return 0;
    asking.add(client);
    return lane.leaseUnits;
  }

  /** A want is settled; `extra` of what it was granted is not needed by its waiters. */
  settled(want: PendingWant, extra: number): void {
    const { lane, client } = want;
    if (want.units > want.waiters.length) this.#asking.get(lane)?.delete(client);
    if (extra <= 0) return;
    if (this.#closed) {
      this.#options.giveBack(lane, client, extra);
      return;
    }
    let clients = this.#held.get(lane);
    if (clients === undefined) this.#held.set(lane, (clients = new Map()));
    const units = extra + (clients.get(client)?.units ?? 0);
    clients.set(client, { units, want, expiresMs: this.#options.clock() + UNUSED_MS });
    this.#timer ??= setInterval(() => this.#expire(), UNUSED_MS / 2).unref();
  }

  /** Drops a client's tokens: its buckets are set anew, so there is nothing to give them back to. */
  forget(client: string): void {
    for (const clients of this.#held.values()) clients.delete(client);
  }

  /** Gives everything back; what arrives from now on goes back at once. */
  close(): void {
    this.#closed = true;
    this.#expire();
  }

  #expire(): void {
    const now = this.#options.clock();
    for (const [lane, clients] of this.#held) {
      for (const [client, held] of clients) {
        if (!this.#closed && held.expiresMs > now) continue;
        clients.delete(client);
        if (held.units > 0) this.#options.giveBack(lane, client, held.units);
      }
      if (clients.size === 0) this.#held.delete(lane);
    }
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
