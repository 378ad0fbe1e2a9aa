import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KeyText, PublicKey } from '../../../shared/identity/public-key.ts';
import { wallClockMs } from '../../../shared/clock.ts';
import { IssuerFeed } from './issuer-feed.ts';
import type { FetchedKeys } from './kept-keys.ts';

const keyOf = (kid: string): PublicKey => ({ kid, algorithms: ['ES256'], jwk: {}, identity: kid });
const KEYS: KeyText = { ok: true, keys: [keyOf('a')] };
const DOWN: KeyText = { ok: false, why: 'ECONNREFUSED' };

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

interface Setting {
  readonly refreshMs?: number;
  readonly staleMs?: number;
  readonly kept?: FetchedKeys;
}

function setUp({ refreshMs = 600_000, staleMs = 3_600_000, kept }: Setting = {}) {
  const flights: ((result: KeyText) => void)[] = [];
  const news: string[] = [];
  const fetched: FetchedKeys[] = [];
  const feed = new IssuerFeed({
    refreshMs,
    staleMs,
    fetch: () => new Promise((resolve) => flights.push(resolve)),
    onNews: () => news.push(`${feed.state.keys?.map(({ kid }) => kid).join()} ${feed.failure}`),
    kept,
    onFetched: (keys) => fetched.push(keys),
    nowMs: () => performance.now(),
    random: () => 0,
  });
  /** Ends the only fetch that is under way. */
  const land = async (result: KeyText): Promise<void> => {
    expect(flights).toHaveLength(1);
    flights.pop()?.(result);
    await vi.advanceTimersByTimeAsync(0);
  };
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  return { feed, flights, news, fetched, land, pass };
}

describe('keys of an issuer', () => {
  test('are fetched at once, and then at their interval', async () => {
    const { flights, land, news, pass } = setUp();
    await land(KEYS);
    await pass(599_999);
    expect(flights).toHaveLength(0);
    await pass(1);
    await land({ ok: true, keys: [keyOf('a')] });
    expect(news).toEqual(['a ']);
    await pass(600_000);
    await land({ ok: true, keys: [keyOf('b')] });
    expect(news).toEqual(['a ', 'b ']);
  });

  test('that cannot be had are tried for again soon, and then less often', async () => {
    const { flights, land, pass } = setUp();
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      await land(DOWN);
      await pass(waitMs - 1);
      expect(flights).toHaveLength(0);
      await pass(1);
    }
    await land(KEYS);
    await pass(599_999);
    expect(flights).toHaveLength(0);
  });

  test('are used while the issuer is down, until they are too old', async () => {
    const { feed, flights, land, news, pass } = setUp({ staleMs: 900_000 });
    await land(KEYS);
    await pass(600_000);
    await land(DOWN);
    expect(feed.state).toMatchObject({ keys: [keyOf('a')], current: false });
    while (performance.now() < 900_000 - 1) {
      if (flights.length > 0) await land(DOWN);
      await pass(1);
    }
    expect(feed.state.keys).toBeDefined();
    await pass(1);
    expect(feed.state).toMatchObject({ keys: undefined, current: false });
    expect(news.at(-1)).toBe('undefined ECONNREFUSED');
    await pass(30_000);
    await land(KEYS);
    expect(feed.state).toMatchObject({ keys: [keyOf('a')], current: true });
  });

  test.each([
    ['is one', KEYS],
    ['is none', DOWN],
  ])('a key that is missing is fetched for once in 30 s, whether there %s', async (_what, result) => {
    const { feed, flights, land, news, pass } = setUp();
    await land(KEYS);
    expect([feed.demand(), feed.demand(), flights.length]).toEqual([true, true, 1]);
    expect(feed.state.askAgainMs).toBe(0);
    await pass(1_000);
    await land(result);
    expect(news).toHaveLength(2);
    expect([feed.demand(), feed.state.askAgainMs]).toEqual([false, 29_000]);
    await pass(28_999);
    expect(feed.demand()).toBe(false);
    for (const background of flights.splice(0)) background(result);
    await pass(1);
    expect([feed.demand(), flights.length]).toEqual([true, 1]);
  });

  test('a fetch that began before a key was missed is followed by another', async () => {
    const { feed, flights, land, news, pass } = setUp();
    await land(KEYS);
    await pass(600_000);
    expect(feed.demand()).toBe(true);
    await land({ ok: true, keys: [keyOf('b')] });
    expect([news.at(-1), feed.state.askAgainMs, flights.length]).toEqual(['b ', 0, 1]);
    await land({ ok: true, keys: [keyOf('c')] });
    expect([news.at(-1), feed.state.askAgainMs, flights.length]).toEqual(['c ', 30_000, 0]);
  });

  test('the first fetch is what who has none yet waits for', async () => {
    const { feed, flights, land, news } = setUp();
    expect([feed.demand(), flights.length]).toEqual([true, 1]);
    await land(DOWN);
    expect([news, feed.state.askAgainMs, flights.length]).toEqual([['undefined ECONNREFUSED'], 30_000, 0]);
  });

  test('of another configuration have its times', async () => {
    const { feed, flights, land, pass } = setUp();
    await land(KEYS);
    feed.configure({ refreshMs: 60_000, staleMs: 90_000 });
    await pass(60_000);
    expect(flights).toHaveLength(1);
    await pass(30_000);
    expect(feed.state.keys).toBeUndefined();
  });

  describe('that an earlier process had', () => {
    const kept = (ageMs: number): FetchedKeys => ({ keys: [keyOf('old')], fetchedAtMs: wallClockMs() - ageMs });

    test('are used until others come, and say nothing of keys that are not among them', async () => {
      const { feed, land, news, fetched } = setUp({ kept: kept(1_000) });
      expect(feed.state).toMatchObject({ keys: [keyOf('old')], current: false });
      await land(DOWN);
      expect(feed.state).toMatchObject({ keys: [keyOf('old')], current: false });
      expect([news, fetched]).toEqual([['old ECONNREFUSED'], []]);
    });

    test('are news when the issuer says the same', async () => {
      const { feed, land, news, fetched } = setUp({ kept: kept(1_000) });
      await land({ ok: true, keys: [keyOf('old')] });
      expect(feed.state).toMatchObject({ keys: [keyOf('old')], current: true });
      expect([news, fetched.map(({ keys }) => keys)]).toEqual([['old '], [[keyOf('old')]]]);
    });

    test.each([
      ['no longer than they would have been', 3_599_000, 1_000],
      ['no longer than if they were of now, where the clock was set back', -86_400_000, 3_600_000],
    ])('are used %s', async (_how, ageMs, leftMs) => {
      const { feed, flights, pass } = setUp({ kept: kept(ageMs) });
      await pass(leftMs - 100);
      expect(feed.state.keys).toBeDefined();
      await pass(200);
      expect([feed.state.keys, flights.length]).toEqual([undefined, 1]);
    });

    test('are not used where they are too old', () => {
      const { feed } = setUp({ kept: kept(3_600_000) });
      expect([feed.state.keys, feed.fetchedAtMs]).toEqual([undefined, undefined]);
    });
  });

  test('a feed that is closed says nothing more', async () => {
    const { feed, land, news, pass } = setUp();
    feed.close();
    await land(KEYS);
    await pass(3_600_000);
    expect(news).toEqual([]);
  });
});
