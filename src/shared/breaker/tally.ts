/**
 * The counts of a CLOSED upstream in one Int32, so that one compare-exchange sees and changes all of it:
 *
 *     bits 25-31  low bits of the generation: counts of an older one are left alone
 *     bit  24     a success came since the last report
 *     bits 12-23  base: the pooled count as the authority last said (what was reported included)
 *     bits  0-11  unsent: failures since the last report and since the last success
 */
const SUCCESS = 1 << 24;
const COUNT_BITS = 12;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const GENERATION_SHIFT = 25;

/** Highest threshold the counts can hold. */
export const MAX_COUNT = 4_000;

/** All but the generation: 0 while an upstream is CLOSED and succeeding. */
export const PENDING = (1 << GENERATION_SHIFT) - 1;

const saturate = (count: number): number => Math.min(COUNT_MASK, Math.max(0, count));

export const freshTally = (generation: number, base: number): number =>
  (generation << GENERATION_SHIFT) | (saturate(base) << COUNT_BITS);

export const isOfGeneration = (tally: number, generation: number): boolean =>
  tally >>> GENERATION_SHIFT === (generation & 0x7f);

const generationBits = (tally: number): number => tally & ~PENDING;
const baseOf = (tally: number): number => (tally >>> COUNT_BITS) & COUNT_MASK;

export const unsentOf = (tally: number): number => tally & COUNT_MASK;
export const succeededIn = (tally: number): boolean => (tally & SUCCESS) !== 0;

/** The pooled count as far as this process knows it. */
export const pooledCount = (tally: number): number => (succeededIn(tally) ? 0 : baseOf(tally)) + unsentOf(tally);

export const withFailure = (tally: number): number => (unsentOf(tally) === COUNT_MASK ? tally : tally + 1);

/** A success resets everything, here and, once reported, everywhere. */
export const withSuccess = (tally: number): number =>
  (tally & PENDING) === 0 ? tally : generationBits(tally) | SUCCESS;

/** What remains when the front takes the unsent part away to report it. */
export const afterReport = (tally: number): number =>
  generationBits(tally) | (saturate(pooledCount(tally)) << COUNT_BITS);

/** The authority's answer replaces the base; what came in meanwhile stays. */
export const withBase = (tally: number, base: number): number =>
  (tally & ~(COUNT_MASK << COUNT_BITS)) | (saturate(base) << COUNT_BITS);
