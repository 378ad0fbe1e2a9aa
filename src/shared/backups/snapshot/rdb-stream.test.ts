import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { RdbStream, RedisRefusal } from './rdb-stream.ts';

const RESYNC = `+FULLRESYNC ${'a'.repeat(40)} 42\r\n`;
const MARK = '0123456789abcdef0123456789abcdef01234567';

function read(chunks: readonly Buffer[]): { readonly bytes: Buffer; readonly whole: boolean } {
  const stream = new RdbStream();
  const bytes = Buffer.concat(chunks.flatMap((chunk) => stream.push(chunk).map((part) => Buffer.from(part))));
  return { bytes, whole: stream.whole };
}

function cutAt(all: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.map((cut) => cut % (all.length + 1)).toSorted((a, b) => a - b), all.length];
  return edges.slice(1).map((to, i) => Buffer.from(all.subarray(edges[i], to)));
}

describe('the answer to PSYNC', () => {
  property.prop([
    fc.record({
      payload: fc.uint8Array({ maxLength: 300 }),
      cuts: fc.array(fc.nat()),
      marked: fc.boolean(),
      pings: fc.nat(3),
    }),
  ])('gives the snapshot whole, however it is cut', ({ payload, cuts, marked, pings }) => {
    const head = `${'\n'.repeat(pings)}${RESYNC}${'\n'.repeat(pings)}`;
    const body = Buffer.from(payload);
    const all = marked
      ? Buffer.concat([Buffer.from(`${head}$EOF:${MARK}\r\n`), body, Buffer.from(MARK)])
      : Buffer.concat([Buffer.from(`${head}$${body.length}\r\n`), body]);
    const chunks = cutAt(all, cuts);
    expect(read([...chunks, Buffer.from('*1\r\n$4\r\nPING\r\n')])).toEqual({ bytes: body, whole: true });
    expect(read(cutAt(all.subarray(0, -1), cuts)).whole).toBe(false);
  });

  test.each([
    '+OK\r\n',
    '+CONTINUE\r\n',
    `${RESYNC}$-1\r\n`,
    `${RESYNC}$EOF:abc\r\n`,
    `${RESYNC}*3\r\n`,
    'x'.repeat(2_000),
    `+FULLRESYNC x 1\r\n`,
  ])('%j is none', (text) => {
    expect(() => read([Buffer.from(text)])).toThrow(/^Redis answered PSYNC with/);
  });

  test('may be no, in the words of Redis', () => {
    expect(() => read([Buffer.from('\n-LOADING Redis is loading\r\n')])).toThrow(RedisRefusal);
    expect(() => read([Buffer.from(`${RESYNC}-ERR no fork\r\n`)])).toThrow('ERR no fork');
  });
});
