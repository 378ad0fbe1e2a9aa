import { describe, expect, test, vi } from 'vitest';
import { NameCache } from './name-cache.ts';
import type { NameAnswer } from './name-cache.ts';
import type { LookUp } from './look-up.ts';

const found = (...addresses: readonly string[]): LookUp => ({ kind: 'found', addresses, ttlMs: 10_000 });
const FAILED: LookUp = { kind: 'failed', code: 'ETIMEOUT' };
const NONE: LookUp = { kind: 'none', code: 'ENOTFOUND' };

/** A cache whose look-ups end when the test says, with a clock of its own. */
function setUp(patienceMs = 20_000) {
  const flights: { readonly name: string; readonly end: (result: LookUp) => void }[] = [];
  const clock = { ms: 1_000 };
  const find = (name: string): Promise<LookUp> => new Promise((end) => flights.push({ name, end }));
  const cache = new NameCache({ find, nowMs: () => clock.ms, patienceMs });
  const ask = (name = 'a'): Promise<NameAnswer> => new Promise((done) => cache.ask(name, done));
  /** Ends the only look-up that is under way. */
  const end = (result: LookUp): void => {
    expect(flights).toHaveLength(1);
    flights.pop()?.end(result);
  };
  return { ask, clock, end, flights };
}

describe('names', () => {
  test('those who ask at once are one look-up, and the answer holds as long as its source says', async () => {
    const { ask, clock, end, flights } = setUp();
    const all = Promise.all([ask(), ask(), ask()]);
    end(found('10.0.0.1'));
    expect(await all).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'found', addresses: ['10.0.0.1'], freshMs: 10_000 })),
    );
    clock.ms += 9_999;
    expect(await ask()).toMatchObject({ freshMs: 1 });
    clock.ms += 1;
    const again = ask();
    end(found('10.0.0.2'));
    expect([await again, flights]).toEqual([{ kind: 'found', addresses: ['10.0.0.2'], freshMs: 10_000 }, []]);
  });

  test.each([
    [0, 1_000],
    [3_600_000, 60_000],
    [undefined, 5_000],
  ])('a time to live of %j ms is taken as %i', async (ttlMs, freshMs) => {
    const { ask, end } = setUp();
    const asked = ask();
    end({ kind: 'found', addresses: ['10.0.0.1'], ttlMs });
    expect(await asked).toMatchObject({ freshMs });
  });

  test('an old answer is served while nobody can be asked, for a day', async () => {
    const { ask, clock, end, flights } = setUp();
    const first = ask();
    end(found('10.0.0.1'));
    await first;
    clock.ms += 3_600_000;
    const failing = ask();
    end(FAILED);
    expect(await failing).toEqual({ kind: 'found', addresses: ['10.0.0.1'], freshMs: 5_000 });
    clock.ms += 4_999;
    expect(await ask()).toMatchObject({ kind: 'found' });
    expect(flights).toEqual([]);
    clock.ms += 24 * 3_600_000;
    const late = ask();
    end(FAILED);
    expect(await late).toEqual(FAILED);
  });

  test('an old answer does not wait long for a look-up that hangs, and the late result is taken', async () => {
    const { ask, clock, end } = setUp();
    const first = ask();
    end(found('10.0.0.1'));
    await first;
    clock.ms += 3_600_000;
    expect(await ask()).toEqual({ kind: 'found', addresses: ['10.0.0.1'], freshMs: 5_000 });
    end(found('10.0.0.2'));
    await vi.waitFor(async () => expect(await ask()).toMatchObject({ addresses: ['10.0.0.2'] }));
  });

  test('a name that is gone is gone, whatever it was', async () => {
    const { ask, clock, end } = setUp();
    const first = ask();
    end(found('10.0.0.1'));
    await first;
    clock.ms += 3_600_000;
    const gone = ask();
    end(NONE);
    expect(await gone).toEqual(NONE);
  });

  test('a look-up that does not end has failed; it is not made again within a second, and then it is', async () => {
    const { ask, clock, flights } = setUp(20);
    expect(await ask()).toEqual(FAILED);
    clock.ms += 999;
    expect(await ask()).toEqual(FAILED);
    expect(flights).toHaveLength(1);
    clock.ms += 1;
    const again = ask();
    expect(flights).toHaveLength(2);
    flights[0]?.end(found('10.0.0.1')); // of the one that was given up
    flights[1]?.end(found('10.0.0.2'));
    expect(await again).toMatchObject({ addresses: ['10.0.0.2'] });
  });

  test('one name does not wait for another', async () => {
    const { ask, flights } = setUp();
    void ask('silent');
    const other = ask('b');
    flights.find(({ name }) => name === 'b')?.end(found('10.0.0.3'));
    expect(await other).toMatchObject({ addresses: ['10.0.0.3'] });
  });
});
