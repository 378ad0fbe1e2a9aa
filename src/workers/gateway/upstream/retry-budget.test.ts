import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

const CONFIG = { percent: 20, minPerSecond: 1, windowMs: 10_000 };

/** How many of so many wishes are granted. */
function granted(budget: RetryBudget, wishes: number): number {
  let count = 0;
  for (let i = 0; i < wishes; i++) if (budget.take()) count++;
  return count;
}

function budgetOf(config = CONFIG, threads = 1): RetryBudget {
  const budget = new RetryBudget(0);
  budget.configure(config, threads);
  return budget;
}

test('a fifth of the requests of the window, and no more', () => {
  const budget = budgetOf();
  budget.firsts += 1_000;
  expect(granted(budget, 1_000)).toBe(200);
  budget.tick(5_000);
  budget.firsts += 100;
  expect(granted(budget, 1_000)).toBe(20);
});

test('where that is less, so many a second as are allowed in any case, shared by the threads', () => {
  expect(granted(budgetOf(), 100)).toBe(10);
  expect(granted(budgetOf(CONFIG, 4), 100)).toBe(2);
  expect(granted(budgetOf(CONFIG, 64), 100)).toBe(1);
  expect(granted(budgetOf({ ...CONFIG, minPerSecond: 0 }), 100)).toBe(0);
  expect(granted(budgetOf({ ...CONFIG, percent: 0 }), 100)).toBe(10);
});

test('what is older than the window counts no longer, neither requests nor repeats', () => {
  const budget = budgetOf();
  budget.firsts += 1_000;
  budget.tick(9_999);
  expect(granted(budget, 1_000)).toBe(200);
  budget.tick(10_000);
  expect(granted(budget, 1_000)).toBe(0);
  budget.tick(20_000);
  expect(granted(budget, 1_000)).toBe(10);
  budget.tick(3_600_000);
  expect(granted(budget, 1_000)).toBe(10);
});

test('one that was not sent is given back', () => {
  const budget = budgetOf();
  expect(granted(budget, 10)).toBe(10);
  budget.giveBack();
  expect(granted(budget, 10)).toBe(1);
});

prop.prop([fc.array(fc.tuple(fc.nat(3_000), fc.nat(300), fc.nat(300)), { maxLength: 60 })])(
  'in whatever order requests and wishes come, repeats are never more than a fifth of all, and the least of each window',
  (steps) => {
    const budget = budgetOf();
    let nowMs = 0;
    let firsts = 0;
    let repeats = 0;
    for (const [ms, requests, wishes] of steps) {
      nowMs += ms;
      budget.tick(nowMs);
      budget.firsts += requests;
      firsts += requests;
      repeats += granted(budget, wishes);
    }
    expect(repeats).toBeLessThanOrEqual(firsts * 0.2 + 10 * (Math.floor(nowMs / 9_000) + 1));
  },
);
