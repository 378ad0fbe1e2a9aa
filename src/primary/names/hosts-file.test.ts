import { expect, test } from 'vitest';
import { addressesAtHand, parseHosts } from './hosts-file.ts';

const hosts = parseHosts(`# static
127.0.0.1 localhost loopback
::1       localhost ip6-localhost
10.0.0.7\torders.example Orders   # the old one
10.0.0.8 orders
10.0.0.8 orders
not-an-address x
10.0.0.9
`);

test.each([
  ['localhost', ['127.0.0.1', '::1']],
  ['orders', ['10.0.0.7', '10.0.0.8']],
  ['ORDERS', ['10.0.0.7', '10.0.0.8']],
  ['orders.example.', ['10.0.0.7']],
  ['x', undefined],
  ['nobody', undefined],
])('%s: %j', (name, addresses) => expect(addressesAtHand(name, hosts)).toEqual(addresses));

test.each(['localhost', 'localhost.', 'api.localhost', 'LOCALHOST'])(
  '%s is this machine, whatever the file says',
  (name) => {
    expect(addressesAtHand(name, parseHosts(''))).toEqual(['127.0.0.1', '::1']);
  },
);
