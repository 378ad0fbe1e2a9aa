import { expect, test } from 'vitest';
import { clientOfBucketKey, clusterBucketKey, plainBucketKey } from './keys.ts';

test.each([
  ['10.0.0.1', ''],
  ['10.0.0.1', ':burst'],
  ['key_a', ':burst'],
])('the client %j of a bucket %j is found again in either key', (client, suffix) => {
  expect(clientOfBucketKey(plainBucketKey(client, suffix))).toBe(client);
  expect(clientOfBucketKey(clusterBucketKey(client, suffix))).toBe(client);
});

test('the network of an IPv6 client holds colons', () => {
  expect(clientOfBucketKey(plainBucketKey('2001:db8::/64', ':burst'))).toBe('2001:db8::/64');
  expect(clientOfBucketKey(plainBucketKey('2001:db8::/64', ''))).toBe('2001:db8::/64');
});

test('a key of another kind is its own name', () => expect(clientOfBucketKey('session:1')).toBe('session:1'));
