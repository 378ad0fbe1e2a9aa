import { describe, expect, test } from 'vitest';
import { rule, setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { smallMemory } from '../../../../test/limits/small-memory.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import type { LimitStore, Want } from '../../../shared/limits/store.ts';

describe('leases', () => {
  const leased = spec({ leaseTokens: 5 });

  test('a hot client takes ahead and decides locally; the rest goes back on close', async () => {
    const context = setUp({ clock: monotonicMs });
    const lane = context.limiter.lane(leased);
    context.ask('a', lane);
    context.ask('a', lane);
    await turn();
    expect(context.store.taken[0]?.wants).toMatchObject([{ units: 7 }]);
    context.store.answer();
    expect(context.ask('a', lane)).toMatchObject([{ outcome: 'granted', mode: 'lease', remaining: 7 }]);
    expect(context.ask('a', lane)).toMatchObject([{ outcome: 'granted', mode: 'lease', remaining: 6 }]);
    const closed = context.limiter.close();
    expect(context.store.taken[0]?.wants).toMatchObject([{ units: -3 }]);
    context.store.answer();
    await closed;
    const probe: Want = { client: 'a', lane, units: 0, granted: 0, left: [] };
    context.store.memory.take([probe], 0, { settled: () => {}, booked: () => {} });
    expect(probe.left).toEqual([6]);
  });

  test('a lone request takes nothing ahead', async () => {
    const context = setUp();
    context.ask('a', context.limiter.lane(leased));
    await turn();
    expect(context.store.taken[0]?.wants).toMatchObject([{ units: 1 }]);
  });

  test('two flushes at once never hold two leases of one client', async () => {
    const context = setUp();
    const lane = context.limiter.lane(leased);
    context.ask('a', lane);
    context.ask('a', lane);
    await turn();
    context.time.ms += 0.1;
    context.ask('a', lane);
    context.time.ms += 1;
    context.ask('a', lane);
    await turn();
    expect(context.store.taken.map((flush) => flush.wants[0]?.units)).toEqual([7, 2]);
  });

  test('threads with leases overshoot by the lease each at most, and never charge more than the bucket held', async () => {
    const memory = new SharedMemoryStore(smallMemory(), { owner: 1, clock: () => 0 });
    const batched: LimitStore = {
      available: true,
      isGone: false,
      take: (wants, deadlineMs, sink) => memory.take(wants, deadlineMs, sink),
      close: () => {},
    };
    let granted = 0;
    for (let thread = 0; thread < 4; thread++) {
      const context = setUp({ store: batched });
      const lane = context.limiter.lane(spec({ rules: [rule({ capacity: 40 })], leaseTokens: 5 }));
      for (let i = 0; i < 8; i++) {
        const decisions = [context.ask('a', lane), context.ask('a', lane)];
        await turn();
        granted += decisions.filter(([one]) => one?.outcome === 'granted').length;
      }
    }
    expect(granted).toBeLessThanOrEqual(40);
    expect(granted).toBeGreaterThanOrEqual(40 - 4 * 5);
  });
});
