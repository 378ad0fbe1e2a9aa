import { BUCKETS, clientsOf, FIELD, rowOf } from './memory.ts';
import type { ClientCount, Tally } from './evidence.ts';
import { windowTotals } from './window-totals.ts';

/** A client as the breaker knows it: 64 bits of a hash of its address (an IPv6 address counts by its /64). */
export interface ClientId {
  /** Never 0. */
  readonly low: number;
  readonly high: number;
  /** Both in hex; the same on every node. */
  readonly text: string;
}

export const clientText = (low: number, high: number): string =>
  (low >>> 0).toString(16).padStart(8, '0') + (high >>> 0).toString(16).padStart(8, '0');

/** The halves of such a text; 0 of what is none. */
export const lowOf = (text: string): number => Number.parseInt(text.slice(0, 8), 16) | 0;
export const highOf = (text: string): number => Number.parseInt(text.slice(8), 16) | 0;

/** Clients of one upstream that are known at once; those that come while all slots are in use are not told apart. */
export const CLIENT_SLOTS = 32;
export const CLIENT_FIELDS = 16;
/** Slots that a client may have: those from the one that its hash names. */
const TRIES = 8;

/** Fields of a slot; COUNTS is one word a bucket: 8 bits of its stamp, 12 of failures, 12 of requests. */
const LOW = 0;
const HIGH = 1;
/** Stamp of the last success. */
const GOOD = 2;
/** Stamp of the last time it was seen. */
const SEEN = 3;
const COUNTS = 4;
const MOST = 0xfff;

/** Number of the bucket that a time belongs to. */
export const stampOf = (words: Int32Array, row: number, nowMs: number): number =>
  Math.floor(nowMs / Math.max(1, Atomics.load(words, row + FIELD.BUCKET_MS))) & 0x7fff_ffff;

const isFresh = (stamp: number, then: number): boolean => then !== 0 && stamp - then >= 0 && stamp - then < BUCKETS;

/** Index of the client's slot, which may be made for it; -1 = there is none left. */
function slotOf(words: Int32Array, place: number, seen: { client: ClientId; stamp: number }): number {
  const { client, stamp } = seen;
  const table = clientsOf(words, place);
  let free = -1;
  for (let i = 0; i < TRIES; i++) {
    const slot = table + (((client.low >>> 0) + i) % CLIENT_SLOTS) * CLIENT_FIELDS;
    const low = Atomics.load(words, slot + LOW);
    if (low === client.low && Atomics.load(words, slot + HIGH) === client.high) return slot;
    if (free < 0 && (low === 0 || !isFresh(stamp, Atomics.load(words, slot + SEEN)))) free = slot;
  }
  if (free < 0) return -1;
  const before = Atomics.load(words, free + LOW);
  if (Atomics.compareExchange(words, free + LOW, before, client.low) !== before) return -1; // another thread took it
  Atomics.store(words, free + HIGH, client.high);
  Atomics.store(words, free + GOOD, 0);
  for (let i = 0; i < BUCKETS; i++) Atomics.store(words, free + COUNTS + i, 0);
  return free;
}

/** The client was served well; its requests are not counted as long as nobody fails. */
export function noteGood(words: Int32Array, place: number, seen: { client: ClientId; stamp: number }): void {
  const slot = slotOf(words, place, seen);
  if (slot < 0) return;
  Atomics.store(words, slot + GOOD, seen.stamp);
  Atomics.store(words, slot + SEEN, seen.stamp);
}

/** Counts a request of the client, good or failed. */
export function countClient(
  words: Int32Array,
  place: number,
  seen: { client: ClientId; stamp: number; failed: boolean },
): void {
  const { stamp, failed } = seen;
  const slot = slotOf(words, place, seen);
  if (slot < 0) return;
  Atomics.store(words, slot + SEEN, stamp);
  if (!failed) Atomics.store(words, slot + GOOD, stamp);
  const at = slot + COUNTS + (stamp % BUCKETS);
  for (;;) {
    const before = Atomics.load(words, at);
    const same = before >>> 24 === (stamp & 0xff);
    const requests = same ? before & MOST : 0;
    if (requests === MOST) return;
    const failures = (same ? (before >>> 12) & MOST : 0) + (failed ? 1 : 0);
    const after = ((stamp & 0xff) << 24) | (failures << 12) | (requests + 1);
    if (Atomics.compareExchange(words, at, before, after) === before) return;
  }
}

/** What this process saw in the window that ends with the bucket `stamp`. */
export function readTally(words: Int32Array, place: number, stamp: number): Tally {
  const { requests, failed } = windowTotals(words, rowOf(place), stamp);
  const clients: ClientCount[] = [];
  const table = clientsOf(words, place);
  for (let slot = table; slot < table + CLIENT_SLOTS * CLIENT_FIELDS; slot += CLIENT_FIELDS) {
    const client = readSlot(words, slot, stamp);
    if (client !== undefined) clients.push(client);
  }
  return { requests, failed, clients };
}

function readSlot(words: Int32Array, slot: number, stamp: number): ClientCount | undefined {
  const low = Atomics.load(words, slot + LOW);
  if (low === 0 || !isFresh(stamp, Atomics.load(words, slot + SEEN))) return undefined;
  let requests = 0;
  let failed = 0;
  for (let age = 0; age < BUCKETS && age <= stamp; age++) {
    const counts = Atomics.load(words, slot + COUNTS + ((stamp - age) % BUCKETS));
    if (counts >>> 24 !== ((stamp - age) & 0xff)) continue;
    requests += counts & MOST;
    failed += (counts >>> 12) & MOST;
  }
  if (requests === 0 && !isFresh(stamp, Atomics.load(words, slot + GOOD))) return undefined;
  return [clientText(low, Atomics.load(words, slot + HIGH)), requests, failed];
}

/** A new state begins: counts are over, but who was served well is not forgotten. */
export function clearCounts(words: Int32Array, place: number): void {
  const table = clientsOf(words, place);
  for (let slot = table; slot < table + CLIENT_SLOTS * CLIENT_FIELDS; slot += CLIENT_FIELDS) {
    if (Atomics.load(words, slot + LOW) === 0) continue;
    for (let i = 0; i < BUCKETS; i++) Atomics.store(words, slot + COUNTS + i, 0);
  }
}
