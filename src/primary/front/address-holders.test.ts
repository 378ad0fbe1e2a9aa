import { expect, test } from 'vitest';
import { AddressHolders } from './address-holders.ts';

const NONE = { maxConnectionsPerIp: 0, connectionRatePerIp: 0, trustedProxies: [], allowed: [] };

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8::/64'],
  ['::1', '::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['1:2:3:4:5::7', '1:2:3:4::/64'],
  // As everywhere else: who comes through a translator is not one with all others behind it.
  ['64:ff9b::c000:201', '192.0.2.1'],
])('%s counts for %s', (address, key) => expect(new AddressHolders(NONE).of(address, 0).key).toBe(key));

test('five seconds of a rate may come at once, and come back in as many, and no further', () => {
  const holders = new AddressHolders({ ...NONE, connectionRatePerIp: 4 });
  const admitted = (nowMs: number, tries: number): number => {
    let count = 0;
    for (let i = 0; i < tries; i++) if (holders.admits(holders.of('192.0.2.1', nowMs), nowMs)) count++;
    return count;
  };
  expect(admitted(0, 30)).toBe(20);
  expect(admitted(500, 30)).toBe(2);
  expect(admitted(3_600_000, 30)).toBe(20);
  expect(holders.refusedByRate).toBe(10 + 28 + 10);
});

test('no rate holds for trusted proxies and the allow-list, and a cap for the latter', () => {
  const lists = { trustedProxies: ['192.0.2.1'], allowed: ['192.0.2.2'] };
  const holders = new AddressHolders({ maxConnectionsPerIp: 50, connectionRatePerIp: 1, ...lists });
  const kept = (address: string): number => {
    let count = 0;
    for (; count < 100; count++) {
      const holder = holders.of(address, 0);
      if (!holders.admits(holder, 0)) break;
      holders.keep(holder);
    }
    return count;
  };
  expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(kept)).toEqual([100, 50, 5]);
});

test('addresses without connections are forgotten, at once or when their rate is whole again', () => {
  const plain = new AddressHolders(NONE);
  const rated = new AddressHolders({ ...NONE, connectionRatePerIp: 1 });
  for (let i = 0; i < 100; i++) {
    for (const holders of [plain, rated]) {
      const holder = holders.of(`192.0.2.${i}`, 0);
      holders.admits(holder, 0);
      holder.open++;
      holders.closed(holder);
    }
  }
  expect([plain.size, rated.size]).toEqual([0, 100]);
  rated.of('192.0.2.200', 5_500);
  expect(rated.size).toBe(1);
});
