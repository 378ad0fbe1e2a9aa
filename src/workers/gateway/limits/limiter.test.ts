import { describe, expect, test } from 'vitest';
import { rule, setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { smallMemory } from '../../../../test/limits/small-memory.ts';
import { observations } from '../../../../test/metrics/thread-block.ts';
import { quietFor, until } from '../../../../test/support/wait.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import { SharedBucketTable } from '../../../shared/limits/shared-bucket-table.ts';
import { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import { BATCH_SIZE_EDGES, DURATION_EDGES_SECONDS } from '../../../shared/metrics/histogram.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';

describe('batching', () => {
  test('a lone request is sent at the end of its turn', async () => {
    const { store, ask } = setUp();
    const decisions = ask('a');
    await turn();
    expect(store.taken).toHaveLength(1);
    store.answer();
    expect(decisions).toMatchObject([{ outcome: 'granted', mode: 'store', remaining: 9, limit: 10, retryAfterMs: 0 }]);
  });

  test('requests of one client become one want, granted in arrival order with falling remainders', async () => {
    const { store, ask, counted } = setUp();
    const all = Array.from({ length: 12 }, () => ask('a'));
    await turn();
    expect(store.taken[0]?.wants).toMatchObject([{ client: 'a', units: 12 }]);
    store.answer();
    expect(all.map(([one]) => one?.outcome)).toEqual([...Array(10).fill('granted'), 'refused', 'refused']);
    expect(all.map(([one]) => one?.remaining)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]);
    expect(observations(counted, THREAD.batchSize, BATCH_SIZE_EDGES)).toBe(1);
    expect(counted.at(THREAD.batchSize + BATCH_SIZE_EDGES.indexOf(16))).toBe(1);
    expect(counted.decisions('store')).toEqual({ granted: 10, refused: 2, unavailable: 0 });
  });

  test('while a flush is under way the next one gathers, and goes when it is back', async () => {
    const { store, ask } = setUp();
    ask('a');
    await turn();
    ask('b');
    ask('c');
    await turn();
    expect(store.taken).toHaveLength(1);
    store.answer();
    await turn();
    expect(store.taken[0]?.wants.map((want) => want.client)).toEqual(['b', 'c']);
  });

  test('it goes before that when it has gathered for long enough', async () => {
    const { store, ask, time } = setUp();
    ask('a');
    await turn();
    ask('b');
    time.ms += 0.6;
    ask('c');
    await turn();
    expect(store.taken).toHaveLength(2);
  });

  test('it goes before that when it is full', async () => {
    const { store, ask } = setUp({ batchMaxClients: 3 });
    ask('a');
    await turn();
    for (const client of ['b', 'c', 'd']) ask(client);
    await turn();
    expect(store.taken).toHaveLength(2);
  });

  test('a timer sends what gathered when no further request comes', async () => {
    const { store, ask } = setUp({ clock: monotonicMs });
    ask('a');
    await turn();
    ask('b');
    const deadlineMs = monotonicMs() + 1_000;
    while (store.taken.length < 2 && monotonicMs() < deadlineMs) await turn();
    expect(store.taken).toHaveLength(2);
  });

  test('the deadline counts from the arrival of the oldest request', async () => {
    const { store, ask, time } = setUp();
    ask('a');
    time.ms += 0.4;
    ask('b');
    await turn();
    expect(store.taken[0]?.deadlineMs).toBe(1_000 + 10 - 1);
  });

  test('a waiter that throws does not cost the others their decision', async () => {
    const { store, limiter, ask, errors } = setUp();
    const lane = limiter.lane(spec());
    limiter.request('a', lane, {
      startedMs: 0,
      addressName: () => '',
      onDecision: () => {
        throw new Error('mine');
      },
    });
    const decisions = ask('a');
    await turn();
    store.answer();
    expect(decisions).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });
});

describe('refusals', () => {
  const exhaust = async (context: ReturnType<typeof setUp>): Promise<void> => {
    for (let i = 0; i < 11; i++) context.ask('a');
    await turn();
    context.store.answer();
  };

  test('are remembered until the known refill time, then the store is asked again', async () => {
    const context = setUp();
    await exhaust(context);
    context.time.ms += 400;
    expect(context.ask('a')).toMatchObject([{ outcome: 'refused', mode: 'cache', retryAfterMs: 600 }]);
    context.time.ms += 600;
    expect(context.ask('a')).toEqual([]);
    await turn();
    expect(context.store.taken).toHaveLength(1);
  });

  test('are remembered for a second at most, so that DEL frees the client', async () => {
    const context = setUp();
    const lane = context.limiter.lane(spec({ rules: [rule({ refillPerSecond: 0.01 })] }));
    for (let i = 0; i < 11; i++) context.ask('a', lane);
    await turn();
    context.store.answer();
    context.time.ms += 999;
    expect(context.ask('a', lane)).toMatchObject([{ mode: 'cache' }]);
    context.time.ms += 1;
    context.store.memory.reset('a', '');
    const decisions = context.ask('a', lane);
    await turn();
    context.store.answer();
    expect(decisions).toMatchObject([{ outcome: 'granted' }]);
  });

  test('touch no other client', async () => {
    const context = setUp();
    await exhaust(context);
    expect(context.ask('b')).toEqual([]);
  });
});

describe('a store that decides at once', () => {
  test('is asked directly, every time: no batch, no lease, no memory of refusals', () => {
    const time = { ms: 1_000 };
    const store = new SharedMemoryStore(smallMemory(), { owner: 1, clock: () => time.ms });
    const { limiter, ask, counted } = setUp({ store });
    const lane = limiter.lane(spec({ rules: [rule({ capacity: 3 })], leaseTokens: 2 }));
    const all = Array.from({ length: 5 }, () => ask('a', lane)[0]);
    expect(all.map((one) => one?.outcome)).toEqual(['granted', 'granted', 'granted', 'refused', 'refused']);
    expect(all.map((one) => one?.remaining)).toEqual([2, 1, 0, 0, 0]);
    expect(all.map((one) => one?.mode)).toEqual(Array(5).fill('store'));
    expect(all[4]?.retryAfterMs).toBe(1_000);
    store.reset('a', '');
    expect(ask('a', lane)).toMatchObject([{ outcome: 'granted', remaining: 2 }]);
    expect(observations(counted, THREAD.batchSize, BATCH_SIZE_EDGES)).toBe(0);
    expect(observations(counted, THREAD.decisionWait, DURATION_EDGES_SECONDS)).toBe(0);
    expect(counted.decisions('store')).toEqual({ granted: 4, refused: 2, unavailable: 0 });
  });

  /** A limiter whose clients' buckets another thread holds until `free`. */
  function locked() {
    const time = { ms: 1_000 };
    const memory = smallMemory();
    const store = new SharedMemoryStore(memory, { owner: 1, clock: () => time.ms, lockWaitMs: 1 });
    const context = setUp({ store, clock: () => time.ms });
    const other = new SharedBucketTable(memory, { owner: 2, lockWaitMs: 1 });
    return { ...context, time, lock: (client: string) => other.open(client), free: () => other.close() };
  }

  test('a thread that was suspended with the lock of a bucket gives nobody a token more: they wait for it', async () => {
    const { limiter, ask, counted, lock, free } = locked();
    const lane = limiter.lane(spec({ rules: [rule({ capacity: 3, refillPerSecond: 0.001 })] }));
    ask('a', lane);
    lock('a');
    const waiting = Array.from({ length: 5 }, () => ask('a', lane));
    await quietFor(100, 'they must not be decided meanwhile');
    expect(waiting.flat()).toEqual([]);
    free();
    await until(() => waiting.every((one) => one.length > 0));
    expect(waiting.filter(([one]) => one?.outcome === 'granted')).toHaveLength(2);
    expect(counted.decisions('open')).toEqual({ granted: 0, refused: 0, unavailable: 0 });
  });

  test('one that stays locked for a second is decided as the route says; at the end of the thread, at once', async () => {
    const { limiter, ask, time, lock } = locked();
    const closed = limiter.lane(spec({ onStoreFailure: 'closed' }));
    lock('a');
    const [open, shut] = [ask('a'), ask('a', closed)];
    time.ms += 1_000;
    await until(() => open.length + shut.length === 2);
    expect([open[0]?.mode, shut[0]?.mode]).toEqual(['open', 'closed']);
    const late = ask('a');
    expect(late).toEqual([]);
    await limiter.close();
    expect(late).toMatchObject([{ outcome: 'granted', mode: 'open' }]);
  });
});
