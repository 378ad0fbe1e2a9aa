import { expect, test } from 'vitest';
import type { Verdict } from '../../src/shared/health/memory.ts';
import { testNode } from './threads.ts';

test.each<[Verdict[], string[]]>([
  [['wrong', 'up'], ['b']],
  [
    ['wrong', 'wrong'],
    ['a', 'b'],
  ],
  [['wrong'], ['a']],
  [
    ['wrong', 'wrong', 'up'],
    ['a', 'b', 'c'],
  ],
  [
    ['wrong', 'silent', 'up', 'up'],
    ['c', 'd'],
  ],
])('where probes say %j, fewer than half are never left', (verdicts, used) => {
  const node = testNode({ names: ['a', 'b', 'c', 'd'].slice(0, verdicts.length), ejection: 'never' });
  node.say(...verdicts);
  expect(node.drawn()).toEqual(used);
});

test('of two drawn the one with less under way is taken', () => {
  const node = testNode({ names: ['a', 'b', 'c'] });
  node.target('a').pending = 3;
  node.target('b').pending = 2;
  expect(node.drawn()).toEqual(['b', 'c']);
  node.target('c').pending = 2;
  expect(node.drawn()).toEqual(['b', 'c']);
});

test('one that refuses connections rests, and is used where there is no other', () => {
  const node = testNode({ names: ['a', 'b', 'c'] });
  node.target('b').skipUntilMs = node.clock.ms + 100;
  expect(node.drawn()).toEqual(['a', 'c']);
  for (const name of ['a', 'c']) node.target(name).skipUntilMs = node.clock.ms + 100;
  expect(node.drawn()).toEqual(['a', 'b', 'c']);
  node.say('up', 'wrong', 'up');
  expect(node.drawn()).toEqual(['a', 'c']);
  node.pass(100);
  node.say('up', 'up', 'up');
  expect(node.drawn()).toEqual(['a', 'b', 'c']);
});

test('one slowed a hundredfold gets less than a hundredth of the requests, by weight too, and all of its share when it is quick', () => {
  for (const weights of [
    [1, 1, 1],
    [1, 2, 1],
  ]) {
    const node = testNode({ names: ['a', 'b', 'c'], weights });
    const answers = (name: string, ms: number): void => {
      for (let i = 0; i < 100; i++) node.target(name).time.note(ms);
    };
    for (const name of ['a', 'c']) answers(name, 3);
    answers('b', 300);
    const { a = 0, b = 1, c = 0 } = node.shares();
    expect(b).toBeLessThan(0.01);
    expect(b).toBeGreaterThan(0);
    expect(Math.abs(a - c)).toBeLessThan(0.1);
    answers('b', 3);
    expect(node.shares()['b']).toBeGreaterThan(0.25);
  }
});
