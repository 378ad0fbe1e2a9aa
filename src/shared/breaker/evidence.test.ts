import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { calmIn, isOverRate, soleCulprit, weigh } from './evidence.ts';
import type { ClientCount, Tally } from './evidence.ts';

const WINDOW = { windowMs: 10_000, minVolume: 20, errorRate: 0.5, slowRate: 0 };

const tallyOf = (...clients: readonly ClientCount[]): Tally => ({
  requests: clients.reduce((sum, [, requests]) => sum + requests, 0),
  failed: clients.reduce((sum, [, , failed]) => sum + failed, 0),
  clients,
});
const opens = (...tallies: readonly Tally[]): boolean => isOverRate(weigh(tallies), WINDOW);

describe('the failure share', () => {
  test.each<[string, boolean, readonly ClientCount[]]>([
    ['one client alone, half of it failing', true, [['a', 20, 10]]],
    ['one client alone, less than half', false, [['a', 21, 10]]],
    ['too few requests', false, [['a', 19, 19]]],
    [
      'one that floods and one that is served once',
      false,
      [
        ['a', 10_000, 10_000],
        ['b', 1, 0],
      ],
    ],
    [
      'one that floods and one that was only seen',
      false,
      [
        ['a', 10_000, 10_000],
        ['b', 0, 0],
      ],
    ],
    [
      'two of two that fail',
      true,
      [
        ['a', 10, 10],
        ['b', 10, 5],
      ],
    ],
    [
      'two of five that flood',
      false,
      [
        ['a', 900, 900],
        ['b', 900, 900],
        ['c', 1, 0],
        ['d', 1, 0],
        ['e', 1, 0],
      ],
    ],
    [
      'clients that fail seldom beside one with many requests',
      false,
      [
        ['a', 1000, 0],
        ['b', 2, 2],
        ['c', 2, 2],
      ],
    ],
    ['nobody who failed', false, [['a', 50, 0]]],
  ])('%s: %s', (_what, wanted, clients) => {
    expect(opens(tallyOf(...clients))).toBe(wanted);
  });

  test('one client that two nodes saw is one', () => {
    const evidence = weigh([tallyOf(['a', 10, 10]), tallyOf(['a', 10, 10])]);
    expect(evidence).toEqual({ requests: 20, share: 1, active: 1, failing: ['a'] });
    expect(soleCulprit(evidence)).toBe('a');
    expect(calmIn(weigh([tallyOf(['a', 10, 10]), tallyOf(['b', 0, 0])]))).toBe(1);
  });

  test('nothing seen is nothing', () => {
    expect(weigh([])).toEqual({ requests: 0, share: 0, active: 0, failing: [] });
    expect(weigh([{ requests: 9, failed: 3, clients: [] }]).share).toBeCloseTo(1 / 3);
    expect(isOverRate(weigh([tallyOf(['a', 50, 50])]), undefined)).toBe(false);
  });
});

const count = (id: string): fc.Arbitrary<ClientCount> =>
  fc.tuple(fc.nat(50), fc.nat(50)).map(([good, failed]) => [id, good + failed, failed]);
const mix = fc
  .integer({ min: 1, max: 12 })
  .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => count(`c${i}`))));

describe('over mixes of clients', () => {
  test.prop([fc.nat(100_000), fc.array(fc.nat(100), { minLength: 1, maxLength: 10 })])(
    'one bad client opens nothing beside good ones, however much it sends',
    (failed, good) => {
      expect(opens(tallyOf(['bad', failed, failed], ...good.map((n, i): ClientCount => [`good${i}`, n, 0])))).toBe(
        false,
      );
    },
  );

  test.prop([fc.integer({ min: 2, max: 12 }), fc.integer({ min: 10, max: 50 })])(
    'an outage that everybody sees always opens',
    (clients, each) => {
      expect(opens(tallyOf(...Array.from({ length: clients }, (_, i): ClientCount => [`c${i}`, each, each])))).toBe(
        true,
      );
    },
  );

  test.prop([mix])('neither a flood nor a crowd alone decides: the share is the smaller of both', (clients) => {
    const { share } = weigh([tallyOf(...clients)]);
    const all = tallyOf(...clients);
    const mean = clients.reduce((sum, [, n, bad]) => sum + (n === 0 ? 0 : bad / n), 0) / clients.length;
    expect(share).toBeLessThanOrEqual(mean + 1e-12);
    expect(share).toBeLessThanOrEqual(all.requests === 0 ? 0 : all.failed / all.requests + 1e-12);
  });

  test.prop([mix, fc.integer({ min: 2, max: 1000 })])(
    'a client that sends more of the same weighs no more than it did, measured by clients',
    (clients, times) => {
      const [first, ...rest] = clients;
      if (first === undefined) return;
      const [id, requests, failed] = first;
      const mean = (tally: Tally): number => weigh([{ ...tally, failed: tally.requests }]).share;
      const more = tallyOf([id, requests * times, failed * times], ...rest);
      expect(mean(more)).toBeCloseTo(mean(tallyOf(...clients)));
    },
  );

  test.prop([mix, fc.nat(3)])('how requests were spread over nodes changes nothing', (clients, by) => {
    const half = clients.map(([id, n, bad]): ClientCount => [id, Math.max(0, n - by), Math.max(0, bad - by)]);
    const rest = clients.map(([id, n, bad], i): ClientCount => [
      id,
      n - (half[i]?.[1] ?? 0),
      bad - (half[i]?.[2] ?? 0),
    ]);
    expect(weigh([tallyOf(...half), tallyOf(...rest)])).toEqual(weigh([tallyOf(...clients)]));
  });
});
