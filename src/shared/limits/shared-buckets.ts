import type { CompiledRule, Lane } from './rule.ts';

/**
 * Buckets in memory that all threads of a process share, for the time when the store cannot be asked: a decision is a
 * few compare-and-swaps, needs no message and never waits. A bucket is one number, the time at which it will be full
 * ("theoretical arrival time", as in GCRA), so one atomic word holds it: full = that time has passed. The table has a
 * fixed size; names are kept as 32-bit fingerprints, and two clients that share slot and fingerprint share a bucket.
 */
const NS_PER_SECOND = 1e9;
const PROBES = 8;
const LONGEST_NS = 2 ** 60;
const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** Memory for `slots` buckets (a power of two), 12 bytes each, to be handed to every thread. */
export function createSharedBuckets(slots: number): SharedArrayBuffer {
  if (!Number.isInteger(Math.log2(slots)) || slots < PROBES) throw new RangeError(`slots ${slots}: a power of two`);
  return new SharedArrayBuffer(slots * (BigInt64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT));
}

export interface SharedTake {
  readonly client: string;
  readonly lane: Lane;
  /** This process gets 1/share of every limit. */
  readonly share: number;
  /** Last known level of each rule's bucket, in tokens of the share; used where the bucket is full here. */
  readonly seed: readonly number[] | undefined;
}

export class SharedBuckets {
  readonly #keys: Int32Array;
  readonly #fullAtNs: BigInt64Array;
  readonly #mask: number;
  readonly #clockNs: () => bigint;
  #nowNs = 0n;
  /** Tokens left per rule after the last `take`. */
  readonly left: number[] = [];

  /** @param clockNs one monotonic clock for all threads, such as `process.hrtime.bigint` */
  constructor(memory: SharedArrayBuffer, clockNs: () => bigint) {
    const slots = memory.byteLength / (BigInt64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT);
    this.#fullAtNs = new BigInt64Array(memory, 0, slots);
    this.#keys = new Int32Array(memory, slots * BigInt64Array.BYTES_PER_ELEMENT, slots);
    this.#mask = slots - 1;
    this.#clockNs = clockNs;
  }

  /** One request: all rules grant and are charged, or none is. Levels are in `left` afterwards. */
  take(ask: SharedTake): boolean {
    const { rules, cost } = ask.lane;
    const nowNs = (this.#nowNs = this.#clockNs());
    const slots: number[] = [];
    let granted = true;
    for (let i = 0; i < rules.length; i++) {
      const slot = this.#slotOf(ask.client + (rules[i] as CompiledRule).keySuffix);
      this.#seed(slot, nowNs + this.#seedNs(ask, i), nowNs);
      slots.push(slot);
      if (granted && !this.#charge(slot, ask, i)) {
        granted = false;
        for (let j = 0; j < i; j++) this.#refund(slots[j] as number, ask, j);
      }
    }
    for (let i = 0; i < rules.length; i++) {
      const lackNs = Number(Atomics.load(this.#fullAtNs, slots[i] as number) - nowNs);
      const rule = rules[i] as CompiledRule;
      const lacking = Math.max(0, lackNs) / tokenNs(rule, ask.share);
      this.left[i] = Math.max(0, shareOfCapacity(rule, cost, ask.share) - lacking);
    }
    return granted;
  }

  #charge(slot: number, ask: SharedTake, index: number): boolean {
    const nowNs = this.#nowNs;
    const rule = ask.lane.rules[index] as CompiledRule;
    const costNs = toNs(ask.lane.cost * tokenNs(rule, ask.share));
    const burstNs = toNs(shareOfCapacity(rule, ask.lane.cost, ask.share) * tokenNs(rule, ask.share));
    for (;;) {
      const seen = Atomics.load(this.#fullAtNs, slot);
      const next = (seen > nowNs ? seen : nowNs) + costNs;
      if (next - nowNs > burstNs) return false;
      if (Atomics.compareExchange(this.#fullAtNs, slot, seen, next) === seen) return true;
    }
  }

  #refund(slot: number, ask: SharedTake, index: number): void {
    const rule = ask.lane.rules[index] as CompiledRule;
    Atomics.sub(this.#fullAtNs, slot, toNs(ask.lane.cost * tokenNs(rule, ask.share)));
  }

  /** A bucket that is full here knows less than what was last known of the client at the store. */
  #seed(slot: number, fullAtNs: bigint, nowNs: bigint): void {
    const seen = Atomics.load(this.#fullAtNs, slot);
    if (seen <= nowNs && fullAtNs > nowNs) Atomics.compareExchange(this.#fullAtNs, slot, seen, fullAtNs);
  }

  /** Nanoseconds a seeded bucket lacks until full. */
  #seedNs(ask: SharedTake, index: number): bigint {
    if (ask.seed === undefined) return 0n;
    const rule = ask.lane.rules[index] as CompiledRule;
    const lacking = shareOfCapacity(rule, ask.lane.cost, ask.share) - (ask.seed[index] ?? 0);
    return lacking <= 0 ? 0n : toNs(lacking * tokenNs(rule, ask.share));
  }

  /** The slot of a name: its own, or a free one (full buckets are free), or the one of its eight that is nearest to full. */
  #slotOf(name: string): number {
    let hash = HASH_SEED;
    let fingerprint = ~HASH_SEED;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      hash = Math.imul(hash ^ code, HASH_PRIME);
      fingerprint = Math.imul((fingerprint << 5) ^ (fingerprint >>> 27) ^ code, 0x9e3779b1 | 0);
    }
    if (fingerprint === 0) fingerprint = 1; // 0 marks a slot never used
    const start = hash ^ (hash >>> 16);
    let best = start & this.#mask;
    for (let i = 0; i < PROBES; i++) {
      const slot = (start + i) & this.#mask;
      if (Atomics.load(this.#keys, slot) === fingerprint) return slot;
      if (Atomics.load(this.#fullAtNs, slot) < Atomics.load(this.#fullAtNs, best)) best = slot;
    }
    Atomics.store(this.#keys, best, fingerprint);
    Atomics.store(this.#fullAtNs, best, 0n);
    return best;
  }
}

const tokenNs = (rule: CompiledRule, share: number): number => (NS_PER_SECOND / rule.refillPerSecond) * share;

/**
 * A share of the burst, but never less than one request where the whole limit allows one: the rate keeps the sum of
 * all nodes right, and a client is not locked out because there are more nodes than tokens.
 */
const shareOfCapacity = (rule: CompiledRule, cost: number, share: number): number =>
  rule.capacity < cost ? rule.capacity : Math.max(cost, rule.capacity / share);

const toNs = (ns: number): bigint => BigInt(Math.round(Math.min(ns, LONGEST_NS)));
