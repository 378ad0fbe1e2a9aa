import { expect, test } from 'vitest';
import { OneAtATime } from './one-at-a-time.ts';

test('who asks while it is done has it done once more, however many ask, and waits for that', async () => {
  const ends: (() => void)[] = [];
  const work = new OneAtATime(() => new Promise((resolve) => void ends.push(resolve)));
  const first = work.run();
  const waiting = Promise.all([first, work.run(), work.run()]);
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await new Promise((resolve) => void setImmediate(resolve));
  expect(ends).toHaveLength(2);
  expect(work.underWay).toBeDefined();
  ends[1]?.();
  await waiting;
  expect(ends).toHaveLength(2);
  expect(work.underWay).toBeUndefined();
});

test('after it has failed it can be asked for again', async () => {
  let failures = 1;
  const work = new OneAtATime(() => (failures-- > 0 ? Promise.reject(new Error('not now')) : Promise.resolve()));
  await expect(work.run()).rejects.toThrow('not now');
  await expect(work.run()).resolves.toBeUndefined();
});
