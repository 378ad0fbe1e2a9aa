import { expect, test } from 'vitest';
import { createConcurrencyMemory } from '../../../shared/overload/concurrency-memory.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { Places } from './places.ts';

const HIGH: Priority = 0;
const NORMAL: Priority = 1;

/** The places of one upstream as each of two threads sees them. */
function twoThreads(most: number): readonly [Places, Places] {
  const memory = createConcurrencyMemory(3, 4);
  const of = (slot: number, row = 1): Places => {
    const places = new Places({ memory, row, slot });
    places.configure(most, 2);
    return places;
  };
  of(0, 2).take(NORMAL); // of another upstream
  return [of(0), of(3)];
}

/** How many it gets at once. */
const takeAll = (places: Places, priority: Priority = NORMAL): number => {
  let count = 0;
  while (places.take(priority)) count++;
  return count;
};

test('one thread may have all, and none of it is had twice', () => {
  const [one, other] = twoThreads(5);
  expect(takeAll(one)).toBe(5);
  expect(takeAll(other)).toBe(0);
  one.giveBack();
  expect(takeAll(other)).toBe(1);
  expect(takeAll(one)).toBe(0);
});

test('what is given back goes to a thread that waits and has less than its part', () => {
  const [one, other] = twoThreads(5);
  expect(takeAll(one)).toBe(5);
  other.setWaiting(NORMAL, 10);
  one.giveBack();
  expect(one.take(NORMAL)).toBe(false);
  expect(takeAll(other)).toBe(1);
  one.giveBack();
  one.giveBack();
  expect(takeAll(one)).toBe(1); // the other has its part with one more: two of five
  expect(takeAll(other)).toBe(1);
});

test('who matters more on another thread comes first, up to that thread’s part', () => {
  const [one, other] = twoThreads(4);
  expect(takeAll(one)).toBe(4);
  other.setWaiting(HIGH, 10);
  for (let i = 0; i < 4; i++) one.giveBack();
  expect(takeAll(one, NORMAL)).toBe(2);
  other.setWaiting(HIGH, 0);
  expect(takeAll(one, NORMAL)).toBe(2);
});

test('who matters less on another thread keeps nothing from this one', () => {
  const [one, other] = twoThreads(4);
  other.setWaiting(NORMAL, 10);
  expect(takeAll(one, HIGH)).toBe(4);
});
