import { expect, test } from 'vitest';
import { AnswerTime, quickerOf } from './answer-time.ts';

function timeOf(...answersMs: readonly number[]): AnswerTime {
  const time = new AnswerTime();
  for (const ms of answersMs) time.note(ms);
  return time;
}
const times = (count: number, ...ms: readonly number[]): readonly number[] =>
  Array.from({ length: count }, () => ms).flat();
const targetOf = (time: AnswerTime, pending = 0) => ({ time, pending });
/** Long before any trial would be due. */
const EARLY = { picks: 1, deadlines: { nowMs: 1 } };

test('a target that becomes a hundred times slower is slow after two dozen answers, and well again after a few quick ones', () => {
  const quick = timeOf(...times(20, 3));
  const slowed = timeOf(...times(20, 3));
  let answers = 0;
  for (; !slowed.isSlowBeside(quick) && answers < 100; answers++) slowed.note(300);
  expect(answers).toBeLessThan(25);
  for (const ms of times(100, 300)) slowed.note(ms);
  let trials = 0;
  for (; slowed.isSlowBeside(quick) && trials < 100; trials++) slowed.note(3);
  expect(trials).toBeLessThan(4);
});

test('targets that do the same work are alike, whatever the mixture of quick and slow answers', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (const shareOfQuick of [0.3, 0.5, 0.8]) {
    const a = new AnswerTime();
    const b = new AnswerTime();
    let apart = 0;
    for (let i = 0; i < 5_000; i++) {
      a.note(random() < shareOfQuick ? 2 : 200);
      b.note(random() < shareOfQuick ? 2 : 200);
      if (a.isSlowBeside(b) || b.isSlowBeside(a)) apart++;
    }
    expect(apart).toBeLessThan(250);
  }
});

test('a few milliseconds are never slow, nor is one of which nothing is known', () => {
  expect(timeOf(...times(50, 10)).isSlowBeside(timeOf(...times(50, 0.05)))).toBe(false);
  expect(new AnswerTime().isSlowBeside(timeOf(1))).toBe(false);
  expect(timeOf(1_000).isSlowBeside(new AnswerTime())).toBe(false);
});

test('the quick one is taken, until so many wait there that the slow one would be done sooner', () => {
  const slow = targetOf(timeOf(...times(100, 300)));
  const quick = timeOf(...times(20, 3));
  expect(quickerOf(slow, targetOf(quick), EARLY)?.time).toBe(quick);
  expect(quickerOf(targetOf(quick, 90), slow, EARLY)?.time).toBe(quick);
  expect(quickerOf(targetOf(quick, 110), slow, EARLY)).toBe(slow);
  expect(quickerOf(targetOf(quick), targetOf(timeOf(4)), EARLY)).toBe(undefined);
});

test('once in 400 picks, or in 10 s, a request finds out whether it still is slow; never two at a time', () => {
  const slow = targetOf(timeOf(...times(100, 300)));
  const quick = targetOf(timeOf(...times(20, 3)));
  const chosen: number[] = [];
  for (let picks = 1; picks <= 2_000; picks++) {
    if (quickerOf(slow, quick, { picks, deadlines: { nowMs: 1 } }) === slow) chosen.push(picks);
  }
  expect(chosen).toEqual([400, 800, 1_200, 1_600, 2_000]);
  const later = { picks: 2_001, deadlines: { nowMs: 10_001 } };
  expect(quickerOf(targetOf(slow.time, 1), quick, later)).toBe(quick);
  expect(quickerOf(slow, quick, later)).toBe(slow);
});
