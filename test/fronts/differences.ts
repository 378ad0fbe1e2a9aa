import { expect, it } from 'vitest';
import type { TestFront } from '../support/gateway.ts';
import type { FrontKind } from '../../src/shared/config/types.ts';

/** Something in the contract that a front is known not to keep. */
export interface Difference {
  /** What the tests call it, such as `chunk-extensions`. */
  readonly id: string;
  readonly front: FrontKind;
  /** Why it cannot be had there; docs/fronts.md and docs/clients.md tell operators the same. */
  readonly reason: string;
}

/** Every difference between the fronts. What is not on this list both have to do alike. */
export const DIFFERENCES: readonly Difference[] = [
  {
    id: 'chunked',
    front: 'uws',
    reason:
      'It reads chunk sizes and trailers wrong (an extension takes in the next request), so 411 unless UWS_CHUNKED=on.',
  },
  {
    id: 'pipelining',
    front: 'uws',
    reason: 'It closes a connection on which a request comes before the answer to the last one.',
  },
  {
    id: 'refusals-before-more',
    front: 'uws',
    reason: 'It serves what is behind a refused request unless that one has no answer, so there is a close alone.',
  },
  {
    id: 'refusals-behind',
    front: 'uws',
    reason: 'As pipelining: the request before the refused one is still running.',
  },
  { id: 'close-then-request', front: 'uws', reason: 'As pipelining.' },
  { id: 'close', front: 'uws', reason: 'It closes, but does not say so.' },
  { id: 'close-in-list', front: 'uws', reason: 'It looks for a sole close in Connection, not for one in a list.' },
  { id: 'half-closed', front: 'uws', reason: 'It takes the end of the sending side for the end of the client.' },
  { id: 'half-closed-head', front: 'uws', reason: 'As half-closed.' },
  { id: 'header-first', front: 'uws', reason: 'It sends the header of an answer with the first byte of the body.' },
  { id: 'informational', front: 'uws', reason: 'It cannot send 102 or 103.' },
  { id: 'answer-trailers', front: 'uws', reason: 'It cannot send trailers.' },
  { id: 'expect-case', front: 'uws', reason: 'It compares 100-continue byte for byte.' },
  { id: 'expect-refused', front: 'uws', reason: 'It answers 100 before anybody has seen the request.' },
  { id: 'http-1.0', front: 'uws', reason: 'It refuses HTTP/1.0 with 505.' },
  { id: 'http-1.2', front: 'uws', reason: 'It refuses every version but 1.1 with 505.' },
  {
    id: 'absolute-form',
    front: 'uws',
    reason: 'It takes a target that does not start with a slash for a bad version: 505.',
  },
  { id: 'bad-absolute-form', front: 'uws', reason: 'As absolute-form: refused, but with 505.' },
  { id: 'options-star', front: 'uws', reason: 'As absolute-form.' },
  { id: 'empty-lines', front: 'uws', reason: 'It waits for ever behind an empty line before a request line.' },
  {
    id: 'header-bytes',
    front: 'uws',
    reason: 'It cuts bytes from 0x80 on off the ends of values, and refuses values that are not UTF-8.',
  },
  { id: 'many-fields', front: 'uws', reason: 'It has room for 98 fields.' },
  {
    id: 'bare-line-ends',
    front: 'uws',
    reason: 'A bare CR in a value makes it wait; bare LFs are a bad version to it: 505.',
  },
  {
    id: 'empty-name',
    front: 'uws',
    reason: 'A field without a name ends the header for it, and the rest is not seen.',
  },
  { id: 'coding-in-nbsp', front: 'uws', reason: 'It takes 0xa0 for white space around chunked.' },
  { id: 'request-lines', front: 'uws', reason: 'Malformed request lines get 505, or wait for more.' },
  { id: 'long-targets', front: 'uws', reason: 'It says 431 where the target alone is too long.' },
  {
    id: 'parser-refusals-told',
    front: 'uws',
    reason: 'It answers what its own parser refuses in its own words, and tells nobody.',
  },
  {
    id: 'lingers-400',
    front: 'uws',
    reason: 'It closes at once after a refusal: a client that is still sending gets a reset.',
  },
  { id: 'idle-counted', front: 'uws', reason: 'It closes idle connections by itself.' },
  { id: 'slow-header', front: 'uws', reason: 'It closes by itself, without a word.' },
];

const differenceOf = (id: string, front: TestFront): Difference | undefined =>
  DIFFERENCES.find((each) => each.id === id && each.front === front);

/** How long a check that has to fail gets for it: what hangs on a front need not hang until its own time is over. */
const FAILS_WITHIN_MS = 1_500;

async function fails(check: () => void | Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), FAILS_WITHIN_MS);
  });
  const checked = Promise.resolve()
    .then(check)
    .then(
      () => false,
      () => true,
    );
  const failed = await Promise.race([checked, hanging]);
  clearTimeout(timer);
  return failed;
}

/**
 * Runs a check of the contract: it must pass on a front, and fail where the list has this difference for it. So a
 * difference that is gone fails the test until it is off the list, and one that is not listed fails at once.
 */
export async function expectDifference(
  id: string,
  front: TestFront,
  checkHolds: () => void | Promise<void>,
): Promise<void> {
  const difference = differenceOf(id, front);
  if (difference === undefined) return await checkHolds();
  const failed = await fails(checkHolds);
  expect(failed, `${front} does this now: take ${id} off the list (${difference.reason})`).toBe(true);
}

/** Says a rule of the contract as a test. @param id by which the list of differences knows it */
export type Rule = (id: string, title: string, check: () => void | Promise<void>) => void;

export const rulesOn =
  (front: TestFront): Rule =>
  (id, title, check) => {
    it(title, () => expectDifference(id, front, check));
  };
