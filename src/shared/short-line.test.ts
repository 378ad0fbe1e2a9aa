import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { LONGEST_LINE, shortLine } from './short-line.ts';

const lineOf = (value: unknown): string => `${JSON.stringify(value)}\n`;

test('a line that a pipe takes whole stays as it is', () => {
  const line = lineOf({ level: 'info', msg: 'x'.repeat(4_000) });
  expect(shortLine(line)).toBe(line);
});

test('of a longer one the long texts are cut, and their length is said', () => {
  const path = `/${'é'.repeat(12_000)}`;
  const short = shortLine(
    lineOf({ level: 'error', time: 't', path, err: { stack: 'at x\n'.repeat(2_000) }, msg: 'm' }),
  );
  expect(Buffer.byteLength(short)).toBeLessThanOrEqual(LONGEST_LINE);
  expect(JSON.parse(short)).toMatchObject({ level: 'error', msg: 'm', path: expect.stringMatching(/… \(12001 char/) });
});

test.prop([fc.dictionary(fc.string(), fc.oneof(fc.string({ maxLength: 9_000 }), fc.array(fc.string()), fc.json()))])(
  'whatever is logged is one line of JSON that fits',
  (fields) => {
    const short = shortLine(lineOf({ ...fields, level: 'warn' }));
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(LONGEST_LINE);
    expect(short.indexOf('\n')).toBe(short.length - 1);
    expect(JSON.parse(short)).toMatchObject({ level: 'warn' });
  },
);
