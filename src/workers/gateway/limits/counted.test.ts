import { describe, expect, test } from 'vitest';
import { rule, setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { observations } from '../../../../test/metrics/thread-block.ts';
import { DURATION_EDGES_SECONDS } from '../../../shared/metrics/histogram.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';

/** Observations and their sum, in milliseconds. */
function durations({ counted }: ReturnType<typeof setUp>, start: number) {
  const sum = counted.at(start + DURATION_EDGES_SECONDS.length + 1);
  return { count: observations(counted, start, DURATION_EDGES_SECONDS), sumMs: Math.round(sum * 1e6) / 1e3 };
}

describe('decisions are counted', () => {
  test('for the rule that made them, whoever decided', async () => {
    const context = setUp();
    const lane = context.limiter.lane(spec({ rules: [rule(), rule({ name: 'daily', capacity: 2 })] }));
    for (let i = 0; i < 3; i++) context.ask('a', lane);
    await turn();
    context.store.answer();
    context.ask('a', lane); // refused out of memory
    expect(context.counted.decisions('store', 'daily')).toEqual({ granted: 2, refused: 1, unavailable: 0 });
    expect(context.counted.decisions('cache', 'daily')).toEqual({ granted: 0, refused: 1, unavailable: 0 });
    context.store.available = false;
    context.ask('b', lane);
    expect(context.counted.decisions('local', 'daily').granted).toBe(1);
    expect(context.counted.decisions('store')).toEqual({ granted: 0, refused: 0, unavailable: 0 });
  });

  test('of a share of the limit, whose rule is a copy', async () => {
    const context = setUp({ liveNodes: () => 2 });
    context.store.available = false;
    const lane = context.limiter.lane(spec({ rules: [rule(), rule({ name: 'daily', capacity: 4 })] }));
    for (let i = 0; i < 3; i++) context.ask('a', lane);
    expect(context.counted.decisions('local', 'daily')).toEqual({ granted: 2, refused: 1, unavailable: 0 });
  });

  test('of a lane in shadow apart from the others, as they would have been', async () => {
    const context = setUp();
    const tried = context.limiter.lane(
      spec({ rules: [rule({ capacity: 1 })], shadow: true, onStoreFailure: 'closed' }),
    );
    for (let i = 0; i < 2; i++) context.ask('a', tried);
    await turn();
    context.store.answer();
    context.store.available = false;
    context.ask('b', tried);
    expect(context.counted.decisions('shadow')).toEqual({ granted: 1, refused: 1, unavailable: 1 });
    expect(context.counted.decisions('store').granted).toBe(0);
    expect(context.counted.decisions('closed').unavailable).toBe(0);
  });

  test('with how long each request waited, those alone that had to', async () => {
    const context = setUp();
    context.ask('a');
    context.time.ms += 2;
    context.ask('a');
    await turn();
    context.time.ms += 3;
    context.store.answer();
    expect(durations(context, THREAD.decisionWait)).toEqual({ count: 2, sumMs: 8 });
    context.store.available = false;
    context.ask('a');
    expect(durations(context, THREAD.decisionWait).count).toBe(2);
  });
});

describe('flushes are counted', () => {
  test('with the wait of their oldest request and the round trip', async () => {
    const context = setUp();
    context.ask('a');
    context.time.ms += 0.4;
    context.ask('b');
    await turn();
    context.time.ms += 1.5;
    context.store.answer();
    expect(durations(context, THREAD.batchWait)).toEqual({ count: 1, sumMs: 0.4 });
    expect(durations(context, THREAD.redisRoundTrip)).toEqual({ count: 1, sumMs: 1.5 });
  });

  test('one that had no answer has no round trip, but its requests have waited', async () => {
    const context = setUp();
    context.ask('a');
    await turn();
    context.time.ms += 9;
    context.store.answer('timeout');
    expect(durations(context, THREAD.redisRoundTrip).count).toBe(0);
    expect(durations(context, THREAD.decisionWait)).toEqual({ count: 1, sumMs: 9 });
  });

  test('one that is answered in parts once, when the last is there', async () => {
    const context = setUp();
    for (const client of ['a', 'b', 'c']) context.ask(client);
    await turn();
    const [flush] = context.store.taken.splice(0);
    if (flush === undefined) throw new Error('nothing was sent');
    const [first, ...rest] = flush.wants;
    context.time.ms += 1;
    context.store.memory.take(first === undefined ? [] : [first], flush.deadlineMs, flush.sink);
    expect(durations(context, THREAD.redisRoundTrip).count).toBe(0);
    context.time.ms += 1;
    context.store.memory.take(rest, flush.deadlineMs, flush.sink);
    expect(durations(context, THREAD.redisRoundTrip)).toEqual({ count: 1, sumMs: 2 });
  });
});
