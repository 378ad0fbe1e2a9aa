import { expect, test } from 'vitest';
import { RouteSplit } from './route-split.ts';

const request = (address: string, { consumer = '', fields = '' } = {}) => ({
  fields,
  consumer,
  addressName: () => address,
});
const CLIENTS = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1`);
const splitOf = (...weights: readonly number[]) =>
  new RouteSplit(
    weights.map((weight, i) => ({ upstream: `v${i + 1}`, weight, when: undefined })),
    (upstream) => upstream,
  );
const moved =
  (weights: Readonly<Record<string, number>>) =>
  (upstream: string): number | undefined =>
    weights[upstream];
const sidesOf = (split: RouteSplit<string>): readonly string[] => CLIENTS.map((each) => split.stagesFor(request(each)));
const share = (sides: readonly string[], side: string): number =>
  sides.filter((each) => each === side).length / sides.length;

test('weights are shares of clients, and each stays on its side', () => {
  const split = splitOf(95, 5);
  const sides = sidesOf(split);
  expect(share(sides, 'v2')).toBeCloseTo(0.05, 1.9);
  expect(sidesOf(split)).toEqual(sides);
});

test('a weight that moves takes clients to its side, and none between the others', () => {
  const split = splitOf(60, 30, 10);
  const before = sidesOf(split);
  split.weigh(moved({ v3: 40 }));
  const after = sidesOf(split);
  expect(new Set(after.filter((side, i) => side !== before[i]))).toEqual(new Set(['v3']));
  expect(share(after, 'v3')).toBeCloseTo(40 / 130, 1);
  split.weigh(moved({}));
  expect(sidesOf(split)).toEqual(before);
});

test('weight 0 gets nobody, unless nothing would be left', () => {
  const split = splitOf(1, 0);
  expect(share(sidesOf(split), 'v1')).toBe(1);
  split.weigh(moved({ v1: 0, v2: 3 }));
  expect(share(sidesOf(split), 'v2')).toBe(1);
  split.weigh(moved({ v1: 0 }));
  expect(share(sidesOf(split), 'v1')).toBe(1);
});

test('a consumer stays on his side wherever he calls from', () => {
  const split = splitOf(1, 1);
  const sides = new Set(CLIENTS.map((each) => split.stagesFor(request(each, { consumer: 'acme' }))));
  expect(sides.size).toBe(1);
});

test('the first condition that fits goes before all weights', () => {
  const when = (value: string) => ({ name: 'x-canary', value });
  const split = new RouteSplit(
    [
      { upstream: 'v1', weight: 1, when: undefined },
      { upstream: 'v2', weight: 0, when: when('always') },
      { upstream: 'v3', weight: 0, when: when('always') },
      { upstream: 'v4', weight: 0, when: when('v4') },
    ],
    (upstream) => upstream,
  );
  const sideOf = (fields: string): string => split.stagesFor(request('10.0.0.1', { fields }));
  expect(sideOf('accept: */*\r\nX-Canary: always\r\n')).toBe('v2');
  expect(sideOf('x-canary: v4\r\n')).toBe('v4');
  expect(sideOf('x-canary: v4\r\nx-canary: always\r\n')).toBe('v1');
  expect(sideOf('x-canary: never\r\n')).toBe('v1');
  expect(sideOf('')).toBe('v1');
});
