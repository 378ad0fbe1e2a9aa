import { describe, expect, test } from 'vitest';
import { keyOf } from './balance-key.ts';
import type { Keyed } from './balance-key.ts';

const request = (fields: readonly string[], more: Partial<Keyed> = {}): Keyed => ({
  address: '10.0.0.1',
  consumer: '',
  fields: fields.map((line) => `${line}\r\n`).join(''),
  ...more,
});

test('by address, and by who has proved who he is', () => {
  expect(keyOf({ kind: 'ip' })(request([], { consumer: 'acme' }))).toBe('10.0.0.1');
  expect(keyOf({ kind: 'consumer' })(request([], { consumer: 'acme' }))).toBe('acme');
  expect(keyOf({ kind: 'consumer' })(request([]))).toBe('10.0.0.1');
});

describe('by a header', () => {
  const key = keyOf({ kind: 'header', name: 'x-device.id' });
  test.each<[readonly string[], string]>([
    [['X-Device.Id: d1'], 'd1'],
    [['a: 1', 'x-device.id:d1  ', 'b: 2'], 'd1'],
    [['x-device.id: d1', 'x-device.id: d2'], 'd1'],
    [['x-device.id: '], ''],
    [['not-x-device.id: d1', 'x-deviceXid: d1', 'a: x-device.id: d1'], ''],
    [[], ''],
  ])('%j', (fields, wanted) => {
    expect(key(request(fields))).toBe(wanted);
  });
});

describe('by a cookie', () => {
  const key = keyOf({ kind: 'cookie', name: 'sid' });
  test.each<[readonly string[], string]>([
    [['Cookie: sid=s1'], 's1'],
    [['cookie: a=1; sid=s1; b=2'], 's1'],
    [['cookie:a=1;sid=s1'], 's1'],
    [['cookie: a=1', 'COOKIE: sid=s1'], 's1'],
    [['cookie: SID=s1; xsid=s2; a=sid=3'], ''],
    [['set-cookie: sid=s1', 'x-cookie: sid=s1'], ''],
    [['cookie: sid='], ''],
  ])('%j', (fields, wanted) => {
    expect(key(request(fields))).toBe(wanted);
  });

  test('however long and odd the field is', () => {
    const odd = `cookie: ${'a;'.repeat(8_000)}${';sid'.repeat(2_000)}`;
    expect(key(request([odd, 'cookie: sid=s1']))).toBe('s1');
  });
});
