import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { hasBadValueByte, isAscii, isPlainValue, isSaneRequestId, isToken, trimBlanks } from './field.ts';

/** Mostly one odd character in an innocent string: a uniform string is refused for its first character. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc
    .tuple(
      fc.constantFrom('', 'ab-1', 'a-long-value-that-is-matched'),
      fc.oneof(fc.nat(0x2_ff), fc.integer({ min: 0xff_f0, max: 0xff_ff })),
      fc.constantFrom('', 'Z9'),
    )
    .map(([a, code, b]) => a + String.fromCharCode(code) + b),
);

prop.prop([text], { numRuns: 3000 })('each rule agrees with its regular expression', (s) => {
  expect(isToken(s)).toBe(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(s));
  expect(isSaneRequestId(s)).toBe(/^[A-Za-z0-9._~:/+=@-]{1,128}$/.test(s));
  // oxlint-disable-next-line no-control-regex -- controls are what this is about
  expect(hasBadValueByte(s)).toBe(/[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/.test(s));
  expect(isPlainValue(s)).toBe(!hasBadValueByte(s) && isAscii(s));
  // oxlint-disable-next-line no-control-regex -- ASCII includes them
  expect(isAscii(s)).toBe(/^[\u0000-\u007f]*$/.test(s));
});

test('edges', () => {
  expect(isToken('')).toBe(false);
  expect(isSaneRequestId('')).toBe(false);
  expect(isSaneRequestId('a'.repeat(128))).toBe(true);
  expect(isSaneRequestId('a'.repeat(129))).toBe(false);
  expect(isSaneRequestId('2f6c1e0a-9a58-4d0e-8d8e-0b7e6f1f2a3b')).toBe(true);
  expect(hasBadValueByte('')).toBe(false);
  expect(hasBadValueByte('a\tb')).toBe(false);
  expect(hasBadValueByte('grüße 日本 😀')).toBe(false);
  expect(hasBadValueByte('a\r\nX: 1')).toBe(true);
  expect(hasBadValueByte('a\ufffd')).toBe(true);
});

test.each([
  ['', ''],
  [' \t ', ''],
  ['\t a b\t ', 'a b'],
  ['\xa0a\xa0', '\xa0a\xa0'],
  ['\ra\n', '\ra\n'],
])('trimBlanks(%j) = %j', (text, trimmed) => {
  expect(trimBlanks(text)).toBe(trimmed);
});
