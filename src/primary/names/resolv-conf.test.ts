import { expect, test } from 'vitest';
import { candidates, NO_RESOLV_CONF, parseResolvConf } from './resolv-conf.ts';

test('as a cluster writes it', () => {
  const text = `# made by the kubelet
nameserver 10.96.0.10
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5 timeout:2 attempts:3 edns0
`;
  expect(parseResolvConf(text)).toEqual({
    servers: ['10.96.0.10'],
    search: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
    ndots: 5,
    timeoutMs: 2_000,
    attempts: 3,
  });
});

test('an empty one, and none of what is in it can be used', () => {
  expect(parseResolvConf('')).toEqual(NO_RESOLV_CONF);
  expect(
    parseResolvConf('nameserver dns.example\nnameserver\nsearch .\noptions ndots:x timeout\n;nameserver 1.1.1.1'),
  ).toEqual(NO_RESOLV_CONF);
});

test('the last of search and domain holds; servers beyond three are left out; numbers are bounded', () => {
  const text = `search a.example. b.example
domain c.example d.example
nameserver 10.0.0.1
nameserver fe80::1%eth0
\tnameserver 10.0.0.3
nameserver 10.0.0.4
options ndots:99 timeout:0 attempts:0`;
  expect(parseResolvConf(text)).toEqual({
    servers: ['10.0.0.1', 'fe80::1%eth0', '10.0.0.3'],
    search: ['c.example'],
    ndots: 15,
    timeoutMs: 1_000,
    attempts: 1,
  });
});

test.each([
  ['orders', 1, ['orders.a.example', 'orders.b.example', 'orders']],
  ['orders.default', 1, ['orders.default', 'orders.default.a.example', 'orders.default.b.example']],
  ['orders.default', 5, ['orders.default.a.example', 'orders.default.b.example', 'orders.default']],
  ['orders.default.', 5, ['orders.default']],
  ['orders', 0, ['orders', 'orders.a.example', 'orders.b.example']],
])('%s with ndots:%i: %j', (name, ndots, expected) => {
  expect(candidates(name, { search: ['a.example', 'b.example'], ndots })).toEqual(expected);
});
