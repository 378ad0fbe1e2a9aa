import { expect, test } from 'vitest';
import { blockMeant } from './host-bits.ts';

test.each([
  ['10.0.0.7/8', '10.0.0.0/8'],
  ['203.0.113.129/25', '203.0.113.128/25'],
  ['203.0.113.130/25', '203.0.113.128/25'],
  ['1.2.3.4/0', '0.0.0.0/0'],
  ['2001:db8::7/32', '2001:db8::/32'],
  ['2001:db8:0:1::/63', '2001:db8::/63'],
  ['::ffff:10.0.0.7/104', '10.0.0.0/8'],
])('%s means %s', (network, block) => {
  expect(blockMeant(network)).toBe(block);
});

test.each([
  '10.0.0.0/8',
  '10.0.0.7',
  '10.0.0.7/32',
  '203.0.113.128/25',
  '0.0.0.0/0',
  '2001:db8::/32',
  '::1/128',
  '::1',
  '::/0',
])('%s has no bits behind its prefix', (network) => {
  expect(blockMeant(network)).toBeUndefined();
});
