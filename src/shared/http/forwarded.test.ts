import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { clientChain, forwardedHost, forwardedScheme } from './forwarded.ts';

const NOBODY = new TrustedProxies([]);
const INSIDE = new TrustedProxies(['10.0.0.0/8', 'fd00::/8']);

describe('clientChain', () => {
  test('an untrusted peer is the client, whatever it claims', () => {
    const expected = { client: '203.0.113.9', forwardedFor: '203.0.113.9' };
    expect(clientChain('203.0.113.9', undefined, INSIDE)).toEqual(expected);
    expect(clientChain('203.0.113.9', '1.1.1.1, 10.0.0.1', INSIDE)).toEqual(expected);
    expect(clientChain('203.0.113.9', '1.1.1.1', NOBODY)).toEqual(expected);
  });

  test.each([
    ['203.0.113.9', '203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9', '203.0.113.9', '203.0.113.9'],
    ['6.6.6.6,203.0.113.9 , 10.0.0.2', '203.0.113.9', '203.0.113.9, 10.0.0.2'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3', '10.0.0.3, 10.0.0.2'],
    ['203.0.113.9:4711', '203.0.113.9', '203.0.113.9'],
    ['[2001:DB8::0:1]:4711', '2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1', '2001:db8::1'],
    ['2001:db8::1, fd00::7', '2001:db8::1', '2001:db8::1, fd00::7'],
    ['203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9', '203.0.113.9, 10.0.0.2'],
    ['203.0.113.9, , ', '203.0.113.9', '203.0.113.9'],
  ])('behind a trusted peer, %s: client %s', (field, client, believed) => {
    expect(clientChain('10.0.0.1', field, INSIDE)).toEqual({ client, forwardedFor: `${believed}, 10.0.0.1` });
  });

  test.each([
    '',
    ' ',
    ',',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4:',
    '1.2.3.4:x',
    '1.2.3.4:70000',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '[::1]x',
    'fe80::1%eth0',
    '"1.2.3.4"',
  ])('what is no address ends the walk at the peer: %j', (entry) => {
    expect(clientChain('10.0.0.1', entry, INSIDE)).toEqual({ client: '10.0.0.1', forwardedFor: '10.0.0.1' });
  });

  test('what is no address ends the walk at the hop before it', () => {
    expect(clientChain('10.0.0.1', '8.8.8.8, unknown, 10.0.0.2', INSIDE)).toEqual({
      client: '10.0.0.2',
      forwardedFor: '10.0.0.2, 10.0.0.1',
    });
  });

  test('the walk is bounded', () => {
    const { forwardedFor } = clientChain('10.0.0.1', '10.0.0.2,'.repeat(5000), INSIDE);
    expect(forwardedFor.split(',').length).toBeLessThan(40);
  });
});

const inside = fc.oneof(
  fc.ipV4().map((ip) => `10.${ip.split('.').slice(1).join('.')}`),
  fc.constantFrom('fd00::1', 'fd12:3::4'),
);
const outside = fc.ipV4().filter((ip) => !ip.startsWith('10.'));
/** What an attacker may send: addresses of ours, rubbish, commas. */
const spoof = fc
  .array(fc.oneof(inside, outside, fc.string({ maxLength: 6 }), fc.constant('unknown')))
  .map((list) => list.join(','));

prop.prop([spoof, fc.record({ client: outside, proxies: fc.array(inside, { maxLength: 5 }), peer: inside })], {
  numRuns: 1000,
})(
  'what the client claims never changes who it is nor what the upstream is told',
  (claimed, { client, proxies, peer }) => {
    const honest = [client, ...proxies].join(', ');
    const chain = clientChain(peer, `${claimed}, ${honest}`, INSIDE);
    expect(chain).toEqual({ client, forwardedFor: [client, ...proxies, peer].join(', ') });
    expect(chain).toEqual(clientChain(peer, honest, INSIDE));
  },
);

prop.prop([fc.oneof(spoof, fc.string({ unit: 'binary' })), inside], { numRuns: 1000 })(
  'reading the same chain again changes nothing',
  (field, peer) => {
    const { client, forwardedFor } = clientChain(peer, field, INSIDE);
    expect(clientChain('10.9.9.9', forwardedFor, INSIDE)).toEqual({
      client,
      forwardedFor: `${forwardedFor}, 10.9.9.9`,
    });
  },
);

test.each([
  ['https', 'https'],
  ['HTTPS', 'https'],
  ['https, http', 'https'],
  ['http,https', 'http'],
  [' ,, Https ', 'https'],
  ['wss', 'https'],
  ['ws', 'http'],
  ['javascript, https', undefined],
  ['https http', undefined],
  [',', undefined],
  ['', undefined],
  [undefined, undefined],
])('X-Forwarded-Proto: %s is the scheme %s', (value, scheme) => {
  expect(forwardedScheme(value)).toBe(scheme);
});

test.each([
  ['shop.example', 'shop.example'],
  ['shop.example:8443, inner', 'shop.example:8443'],
  ['[::1]:80', '[::1]:80'],
  ['a b<script>', undefined],
  ['a/b', undefined],
  ['user@a', undefined],
  ['', undefined],
  [undefined, undefined],
])('X-Forwarded-Host: %s is the host %s', (value, host) => {
  expect(forwardedHost(value)).toBe(host);
});
