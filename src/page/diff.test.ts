import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { diff } from './diff.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

test.prop([lines, lines])('what stays and goes is the old text, what stays and comes the new one', (before, after) => {
  const found = diff(before, after) ?? [];
  expect(found.filter(({ kind }) => kind !== 'new').map(({ text }) => text)).toEqual(before);
  expect(found.filter(({ kind }) => kind !== 'gone').map(({ text }) => text)).toEqual(after);
});

test('one changed line is one that goes and one that comes', () => {
  expect(diff(['a', 'x', 'c'], ['a', 'y', 'c'])?.map(({ kind }) => kind)).toEqual(['same', 'gone', 'new', 'same']);
});

test('texts that have nothing in common and are too long are not compared', () => {
  const long = (word: string) => Array.from({ length: 2_000 }, (_, i) => `${word}${i}`);
  expect(diff(long('a'), long('b'))).toBeUndefined();
});
