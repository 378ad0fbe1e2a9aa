import { describe, expect, test } from 'vitest';
import { rule, setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';

describe('without the store', () => {
  test('local: this node counts with its share, from the last known level', async () => {
    const context = setUp({ liveNodes: () => 2 });
    for (let i = 0; i < 4; i++) context.ask('a');
    await turn();
    context.store.answer();
    context.store.available = false;
    const outcomes = Array.from({ length: 5 }, () => context.ask('a')[0]);
    expect(outcomes.map((one) => one?.outcome)).toEqual(['granted', 'granted', 'granted', 'refused', 'refused']);
    expect(outcomes[4]).toMatchObject({ mode: 'local', limit: 10, retryAfterMs: 2_000 });
    const fresh = Array.from({ length: 7 }, () => context.ask('b')[0]?.outcome);
    expect(fresh.filter((outcome) => outcome === 'granted')).toHaveLength(5);
  });

  test('a flush that fails is decided by the mode, each request once', async () => {
    const context = setUp();
    const all = Array.from({ length: 12 }, () => context.ask('a'));
    await turn();
    context.store.answer('timeout');
    expect(all.map((one) => one.length)).toEqual(Array(12).fill(1));
    expect(all.filter(([one]) => one?.outcome === 'granted')).toHaveLength(10);
    expect(context.counted.decisions('local')).toEqual({ granted: 10, refused: 2, unavailable: 0 });
  });

  test('open lets pass, closed is unavailable and never refused', () => {
    const context = setUp();
    context.store.available = false;
    const open = context.limiter.lane(spec({ onStoreFailure: 'open' }));
    const closed = context.limiter.lane(spec({ onStoreFailure: 'closed' }));
    expect(context.ask('a', open)).toMatchObject([{ outcome: 'granted', mode: 'open' }]);
    expect(context.ask('a', closed)).toMatchObject([{ outcome: 'unavailable', mode: 'closed', retryAfterMs: 1_000 }]);
  });

  test('a limit smaller than the number of nodes still lets a request pass', () => {
    const context = setUp({ liveNodes: () => 20 });
    context.store.available = false;
    const lane = context.limiter.lane(spec({ rules: [rule({ capacity: 3 })] }));
    expect(context.ask('a', lane)).toMatchObject([{ outcome: 'granted' }]);
    expect(context.ask('a', lane)).toMatchObject([{ outcome: 'refused' }]);
  });

  test('several rules: a refusal by one charges none', () => {
    const context = setUp();
    context.store.available = false;
    const both = context.limiter.lane(spec({ rules: [rule(), rule({ name: 'daily', capacity: 4 })] }));
    const outcomes = Array.from({ length: 6 }, () => context.ask('a', both)[0]?.outcome);
    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(4);
    const rest = Array.from({ length: 10 }, () => context.ask('a')[0]?.outcome);
    expect(rest.filter((outcome) => outcome === 'granted')).toHaveLength(6);
  });
});
