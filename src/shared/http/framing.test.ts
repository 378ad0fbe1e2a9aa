import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { isChunked, parseContentLength } from './framing.ts';

test.each([
  ['0', 0],
  ['5', 5],
  ['007', 7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  [`${'0'.repeat(40)}9`, 9],
])('%s is %i', (value, length) => {
  expect(parseContentLength(value)).toBe(length);
});

test.each([
  '',
  ' ',
  '+1',
  '-1',
  '1 ',
  ' 1',
  '1,1',
  '1, 1',
  '0x1',
  '1e3',
  '1.0',
  '١',
  '9007199254740992',
  '1'.repeat(400),
])('not a length: %j', (value) => {
  expect(parseContentLength(value)).toBe(-1);
});

prop.prop([fc.bigInt({ min: 0n, max: 1n << 60n })])('agrees with exact arithmetic', (n) => {
  expect(parseContentLength(String(n))).toBe(n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : -1);
});
prop.prop([fc.bigInt({ min: (1n << 53n) - 20n, max: (1n << 53n) + 20n })])('also around 2^53', (n) => {
  expect(parseContentLength(String(n))).toBe(n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : -1);
});
prop.prop([fc.oneof(fc.string(), fc.stringMatching(/^[ +,0-9-]{0,4}$/))])('takes digits and nothing else', (value) => {
  const digits = /^[0-9]+$/.test(value) && BigInt(value) <= Number.MAX_SAFE_INTEGER;
  expect(parseContentLength(value)).toBe(digits ? Number(value) : -1);
});

test.each(['chunked', 'Chunked', 'CHUNKED'])('%s is chunked', (value) => {
  expect(isChunked(value)).toBe(true);
});

test.each(['', 'gzip', 'gzip, chunked', 'chunked, chunked', ' chunked', 'chunked\n', 'chunked;q=1', 'chun\u212Aed'])(
  'not chunked: %j',
  (value) => {
    expect(isChunked(value)).toBe(false);
  },
);
