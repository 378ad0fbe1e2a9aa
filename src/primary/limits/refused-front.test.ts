import { expect, test } from 'vitest';
import type { RefusedList } from '../../shared/limits/refused-list.ts';
import { RefusedFront } from './refused-front.ts';

const listOf = (clients: RefusedList['clients'], windowMs = 1_000): RefusedList => ({ windowMs, floor: 0, clients });

test('threads are added up, a newer list takes the place of an older one', () => {
  const time = { ms: 0 };
  const front = new RefusedFront(() => time.ms);
  front.receive(0, listOf([['a', 3, 0]]));
  front.receive(
    1,
    listOf([
      ['b', 5, 1],
      ['a', 1, 0],
    ]),
  );
  front.receive(0, listOf([['a', 7, 0]], 4_000));
  time.ms = 2_000;
  expect(front.list()).toEqual(
    listOf(
      [
        ['a', 8, 0],
        ['b', 5, 1],
      ],
      6_000,
    ),
  );
});

test('a dead thread’s refusals stay until the window has passed', () => {
  const time = { ms: 0 };
  const front = new RefusedFront(() => time.ms);
  front.receive(0, listOf([['a', 3, 0]], 100_000));
  front.threadGone(0);
  front.receive(0, listOf([['b', 1, 0]])); // the next thread in its slot
  time.ms = 499_000;
  expect(front.list().clients).toEqual([
    ['a', 3, 0],
    ['b', 1, 0],
  ]);
  time.ms = 500_000;
  expect(front.list().clients).toEqual([['b', 1, 0]]);
});

test('threads that die again and again neither lose refusals nor take more room', () => {
  const front = new RefusedFront(() => 0);
  for (let i = 0; i < 100; i++) {
    front.receive(i, listOf([['a', 1, 0]]));
    front.threadGone(i);
  }
  expect(front.list().clients).toEqual([['a', 100, 0]]);
  front.threadGone(7); // it never told anything
  expect(front.list().clients).toEqual([['a', 100, 0]]);
});
