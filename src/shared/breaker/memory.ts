import type { BreakerKind } from './state.ts';

/**
 * Shared memory between the front and its request threads: one row of Int32 per upstream. A request reads WORD and no
 * more while all is well. Who may write what:
 *
 * - WORD: the front, every transition; a thread only CLOSED → OPEN, by compare-exchange, when it has counted enough.
 * - TALLY: threads count failures and successes; the front takes what is unsent. Always by compare-exchange.
 * - OWN, windows, REFUSED, OTHERS, clients: threads add; the front resets on a transition.
 * - WATCH_UNTIL: threads and the front.
 * - NARROW: whoever has moved WORD, after that; the front brings it up to date.
 * - the rest: the front.
 *
 * Row 0 belongs to no upstream: its breaker is off, and it is the place of upstreams there was no room for.
 */
export const FIELD = {
  /** generation << 2 | kind. A generation is this process's own number of an epoch. */
  WORD: 0,
  /** See tally.ts. */
  TALLY: 1,
  /** Consecutive failures this process saw itself; kept only where a quorum of nodes is asked for. */
  OWN: 2,
  /** Process clock (ms, wraps): when the next probe is expected. */
  RETRY_AT: 3,
  /** Asks for a probe a thread may have waiting at once. */
  ASK_LIMIT: 4,
  /** Process clock (ms, wraps): no permit is free before this, do not ask; but one of another client may, once. */
  DENIED_UNTIL: 5,
  THRESHOLD: 6,
  /** Bits of FLAG. */
  FLAGS: 7,
  RESET_MS: 8,
  /** Which count made a thread open it: a TRIP. */
  TRIP: 9,
  BUCKET_MS: 10,
  MIN_VOLUME: 11,
  /** Of a thousand; 0 = off. */
  ERROR_PERMILLE: 12,
  SLOW_PERMILLE: 13,
  /** Requests refused, for metrics (wraps). In shadow: that would have been. */
  REFUSED: 14,
  /** WORD of which NARROW speaks; of another one it is about to be written. ATTENTION of row 0. */
  NARROW_OF: 15,
  /** BUCKETS times stamp, calls, failures, slow calls. */
  WINDOW: 16,
  /** Process clock (ms, wraps, never 0): requests are counted by client until then, for one has failed; 0 = they are not. */
  WATCH_UNTIL: 56,
  /** Client that alone proved the opening (client-table.ts); 0 = several did. */
  NARROW_LOW: 57,
  NARROW_HIGH: 58,
  /** Requests of others under way while it is narrow, and how many may be; 0 = any number. */
  OTHERS: 59,
  OTHERS_LIMIT: 60,
  /** Clients that other nodes saw served well, and until when (process clock, wraps) that means anything. */
  CALM: 61,
  CALM_UNTIL: 62,
  /** LOW of the client that was told so; 0 = nobody may ask. */
  DENIED_CLIENT: 63,
} as const;

export const BUCKETS = 10;
export const WINDOW_FIELDS = 4;
/** A stamp no bucket of the present has. */
export const NO_STAMP = -1;

/**
 * Bits, so that a test is one `&`. OFF: nothing is counted (mode off, or an operator holds it CLOSED). COUNT_ALL: the
 * window counts also while nothing fails, for slow calls.
 */
export const FLAG = { OFF: 1, SHADOW: 2, QUORUM: 4, COUNT_ALL: 8 } as const;

export const TRIP = { NONE: 0, POOLED: 1, OWN: 2, ERROR_RATE: 3, SLOW_CALLS: 4 } as const;

/** Field of row 0: 1 = some row has counts to send, 2 = a thread has opened one; the front puts it back to 0. */
export const ATTENTION = 15;

const ROW_SHIFT = 6; // 64 Int32: four cache lines, hot fields in the first, windows in the others

/** Behind all rows: 32 slots of 16 words for each place, one slot a client (client-table.ts). */
const CLIENTS_SHIFT = 9;
const WORDS_OF_PLACE = (1 << ROW_SHIFT) + (1 << CLIENTS_SHIFT);

/** First index of a place's row in an Int32Array over the memory. */
export const rowOf = (place: number): number => place << ROW_SHIFT;

/** First index of a place's clients. */
export const clientsOf = (words: Int32Array, place: number): number =>
  ((words.length / WORDS_OF_PLACE) << ROW_SHIFT) + (place << CLIENTS_SHIFT);

/** @param upstreams how many can have a breaker */
export function createBreakerMemory(upstreams: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((upstreams + 1) * WORDS_OF_PLACE * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory)[FIELD.FLAGS] = FLAG.OFF;
  return memory;
}

/** Places in the memory, place 0 included. */
export const placesIn = (memory: SharedArrayBuffer): number =>
  memory.byteLength / Int32Array.BYTES_PER_ELEMENT / WORDS_OF_PLACE;

/** Kinds as in WORD. CLOSED is 0 so that fresh memory is closed. */
export const KIND = { CLOSED: 0, OPEN: 1, HALF_OPEN: 2 } as const satisfies Record<BreakerKind, number>;

const NAMES: readonly BreakerKind[] = ['CLOSED', 'OPEN', 'HALF_OPEN'];
const GENERATION_MASK = 0xff_ffff; // comes round after 16 million transitions; no request lives that long

export const wordOf = (generation: number, kind: BreakerKind): number =>
  ((generation & GENERATION_MASK) << 2) | KIND[kind];
export const generationOf = (word: number): number => word >>> 2;
export const kindOf = (word: number): BreakerKind => NAMES[word & 3] ?? 'CLOSED';
