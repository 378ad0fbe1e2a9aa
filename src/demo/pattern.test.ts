import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { patternBytes, patternChunks } from './pattern.ts';
import { matchesEtag, readRange } from './range.ts';

describe('pattern of /bytes/N', () => {
  it.each([0, 1, 2, 251, 65_511, 65_512, 200_000])('has exactly %i bytes and ends in a newline', (total) => {
    const body = patternBytes(total);
    expect(body.length).toBe(total);
    expect(body.at(-1)).toBe(total > 0 ? 0x0a : undefined);
    expect(body.subarray(0, -1).every((byte, i) => byte === i % 251)).toBe(true);
  });

  test.prop([fc.integer({ min: 1, max: 300_000 }), fc.nat(), fc.nat()])('any span equals that slice', (total, a, b) => {
    const [first = 0, last = 0] = [a % total, b % total].sort((x, y) => x - y);
    const part = Buffer.concat([...patternChunks({ first, last, total })]);
    expect(part.equals(patternBytes(total).subarray(first, last + 1))).toBe(true);
  });
});

describe('readRange', () => {
  it.each([
    ['bytes=0-0', { first: 0, last: 0, total: 10 }],
    ['bytes=3-', { first: 3, last: 9, total: 10 }],
    ['bytes=3-99', { first: 3, last: 9, total: 10 }],
    ['bytes=-4', { first: 6, last: 9, total: 10 }],
    ['bytes=-99', { first: 0, last: 9, total: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-3', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=-', undefined],
    ['items=0-1', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(readRange(header, 10)).toEqual(expected);
  });

  it('finds nothing to send in an empty body', () => {
    expect(readRange('bytes=0-', 0)).toBe('unsatisfiable');
  });
});

describe('matchesEtag', () => {
  it.each([
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['"b"', false],
    ['', false],
    [undefined, false],
  ])('%s', (header, expected) => {
    expect(matchesEtag(header, '"a"')).toBe(expected);
  });
});
