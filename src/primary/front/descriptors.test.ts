import { expect, it } from 'vitest';
import { Descriptors } from './descriptors.ts';

it('clients on their way to a thread count beside what is open', () => {
  let onTheWay = 0;
  const descriptors = new Descriptors(
    () => onTheWay,
    256,
    () => 150,
  );
  expect(descriptors.most).toBe(192);
  expect(descriptors.free()).toBe(42);
  expect(descriptors.accepted()).toBe(false);
  onTheWay = 42;
  expect(descriptors.free()).toBe(0);
  expect(descriptors.accepted()).toBe(true);
});

it('where nothing is left to count with, there is no room', () => {
  const descriptors = new Descriptors(
    () => 0,
    256,
    () => undefined,
  );
  expect(descriptors.free()).toBe(0);
});
