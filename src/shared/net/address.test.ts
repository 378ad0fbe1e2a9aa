import { SocketAddress } from 'node:net';
import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { addressText, canonicalAddress } from './address.ts';

const buffer = (bytes: readonly number[]): ArrayBuffer => new Uint8Array(bytes).buffer;
const hex = (text: string): ArrayBuffer => buffer((text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));

test.each([
  ['7f000001', '127.0.0.1'],
  ['ffffffff', '255.255.255.255'],
  ['00000000', '0.0.0.0'],
  ['00000000000000000000ffff7f000001', '127.0.0.1'],
  ['00000000000000000000000000000001', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['00010000000000000000000000000000', '1::'],
  ['00000001000200030004000500060007', '0:1:2:3:4:5:6:7'],
  ['', ''],
  ['7f', ''],
])('%s is %s', (bytes, text) => {
  expect(addressText(hex(bytes))).toBe(text);
});

/** Zero groups are common, so that runs of them meet. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.flatMap((group) => [group >> 8, group & 255]));

prop.prop([fc.oneof(ipv6, fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }))], { numRuns: 2000 })(
  'the text is the canonical text of the address it names',
  (bytes) => {
    const text = addressText(buffer(bytes));
    expect(canonicalAddress(text)).toBe(text);
    const long =
      bytes.length === 4 ? bytes.join('.') : (Buffer.from(bytes).toString('hex').match(/..../g) ?? []).join(':');
    expect(canonicalAddress(long)).toBe(text);
    expect(canonicalAddress(long.toUpperCase())).toBe(text);
  },
);

prop.prop([ipv6.filter(([first]) => first !== 0)], { numRuns: 500 })('agrees with inet_ntop', (bytes) => {
  const long = (Buffer.from(bytes).toString('hex').match(/..../g) ?? []).join(':');
  expect(addressText(buffer(bytes))).toBe(new SocketAddress({ address: long, family: 'ipv6' }).address);
});

test('many addresses: the cache starts again and stays right', () => {
  for (let i = 0; i < 10_000; i++)
    expect(addressText(buffer([10, 0, i >> 8, i & 255]))).toBe(`10.0.${i >> 8}.${i & 255}`);
  expect(addressText(buffer([10, 0, 0, 1]))).toBe('10.0.0.1');
});

test.each(['', 'localhost', '1.2.3', '01.2.3.4', '1.2.3.4:80', '[::1]', '::1%lo', '::g', '1.2.3.4 '])(
  'no address: %j',
  (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  },
);
