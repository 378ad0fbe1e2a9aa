/**
 * What probes say of targets, when a request of this node last went well there, and which are ejected, in memory that the
 * front and all request threads share. A row for each upstream and each of its targets; row 0 belongs to nobody.
 */

/** Fields of a row of a target. */
export const TARGET_FIELD = {
  /** One of VERDICT; only the front writes it. */
  VERDICT: 0,
  /** Process clock, wrapped: when a request to it last had a good answer. Threads write it. */
  SUCCEEDED_AT: 1,
  /** 0 = none has since the row was given out. */
  SUCCEEDED: 2,
  /** So long a success of this node outweighs a prober that gets no answer, in ms. */
  KEEP_MS: 3,
  /** Failures in a row. Threads write this and all that follows. */
  FAILURES: 4,
  /** The client that the first of them is from; 0 = none yet. */
  FAILED_FOR: 5,
  /** 1: they are from several clients, or of a kind that no client can bring about. */
  PROVED: 6,
  /** The last two different clients that were served well, each with when that was (process clock, wrapped); 0 = none. */
  GOOD: 7,
  GOOD_AT: 8,
  OTHER_GOOD: 9,
  OTHER_GOOD_AT: 10,
  /** One of EJECTION. */
  EJECTION: 11,
  /** Process clock, wrapped: when a request may try it; of one that is being tried: when another may. */
  UNTIL: 12,
  /** Ejections that count for how long the next one lasts. */
  TIMES: 13,
  /** The one client that has proved the ejection alone: any other may try it at once; 0 = not so. */
  NARROW: 14,
  /** Process clock, wrapped: when it last came back, or joined others; 0 = never. The front writes it too. */
  RETURNED_AT: 15,
} as const;

/** What an ejected target waits for. */
export const EJECTION = {
  none: 0,
  /** Time: nobody uses it. */
  out: 1,
  /** What becomes of one request that has been sent to it. */
  trying: 2,
} as const;

/** Field of a row of an upstream: how many of its targets are down. */
export const DOWN_TARGETS = 0;

export const VERDICT = {
  up: 0,
  /** It answers, and says that it is not well: nobody uses it. */
  wrong: 1,
  /** The prober gets no answer: who gets one goes on using it. */
  silent: 2,
} as const;
export type Verdict = keyof typeof VERDICT;

/** A row is a cache line, so that threads that write of different targets do not wait for each other. */
const ROW_SHIFT = 4;

/** First index of a row in an Int32Array over the memory. */
export const healthRowOf = (place: number): number => place << ROW_SHIFT;

/** @param rows of upstreams and targets together */
export const createHealthMemory = (rows: number): SharedArrayBuffer =>
  new SharedArrayBuffer(((rows + 1) << ROW_SHIFT) * Int32Array.BYTES_PER_ELEMENT);

/**
 * Place of each upstream whose targets are probed or may be ejected, by its name, and of each of its targets, by
 * `targetKey`. A map, as upstreams may have names such as `constructor`.
 */
export type HealthPlaces = ReadonlyMap<string, number>;

/** No name of an upstream holds a space. @param target its origin with its base path */
export const targetKey = (upstream: string, target: string): string => `${upstream} ${target}`;

/** What a request thread needs of the probes at its start; goes into workerData. */
export interface HealthThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly places: HealthPlaces;
}
