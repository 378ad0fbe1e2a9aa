import { expect } from 'vitest';
import type { FrontKind } from '../../src/shared/config/types.ts';

/** Something in the contract that a front is known not to keep. */
export interface Difference {
  /** What the tests call it, such as `chunk-extensions`. */
  readonly id: string;
  readonly front: FrontKind;
  /** Why it cannot be had there; README, "Two fronts", tells operators the same. */
  readonly reason: string;
}

/** Every difference between the fronts. What is not on this list both have to do alike. */
export const DIFFERENCES: readonly Difference[] = [];

const differenceOf = (id: string, front: FrontKind): Difference | undefined =>
  DIFFERENCES.find((each) => each.id === id && each.front === front);

/**
 * Runs the check of something that is on the list: it must pass on a front without that difference, and fail on one with
 * it. So a difference that is gone fails the test until it is off the list, and one that is not listed fails at once.
 */
export async function expectDifference(
  id: string,
  front: FrontKind,
  checkHolds: () => void | Promise<void>,
): Promise<void> {
  const difference = differenceOf(id, front);
  if (difference === undefined) {
    if (!DIFFERENCES.some((each) => each.id === id)) throw new Error(`no difference is called ${id}`);
    await checkHolds();
    return;
  }
  let failed = false;
  try {
    await checkHolds();
  } catch {
    failed = true;
  }
  expect(failed, `${front} does this now: take ${id} off the list (${difference.reason})`).toBe(true);
}
