import { describe, expect, test } from 'vitest';
import { rule, setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';

/** A limiter that granted one request to each client while the store was away. */
function owing(clients: readonly string[], extra: Parameters<typeof setUp>[0] = {}) {
  const context = setUp(extra);
  const lane = context.limiter.lane(spec({ rules: [rule({ capacity: 100 }), rule({ name: 'daily', capacity: 10 })] }));
  context.store.available = false;
  for (const client of clients) context.ask(client, lane);
  return { ...context, lane };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `client${i}`);

describe('debts of clients that do not ask again', () => {
  test('are charged in the background, one script at a time, with what they owe in every bucket', async () => {
    const context = owing(names(100));
    context.time.ms += 700;
    expect(context.counted.at(THREAD.owingBuckets)).toBe(200);
    context.store.available = true;
    await eventually(() => context.store.taken.length > 0, 'a script is sent');
    const charged: string[] = [];
    while (charged.length < 200) {
      await eventually(() => context.store.taken.length > 0, 'the next script is sent');
      expect(context.store.taken).toHaveLength(1);
      const wants = context.store.taken[0]?.wants ?? [];
      expect(wants.length).toBeLessThanOrEqual(512);
      for (const { client, lane, units, charges } of wants) {
        expect({ units, charges }).toEqual({ units: 0, charges: [{ tokens: 1, ageMs: 700 }] });
        charged.push(`${client} ${lane.rules[0]?.name ?? ''}`);
      }
      context.store.answer();
    }
    expect(new Set(charged).size).toBe(200);
    expect(charged).toHaveLength(200);
    expect(context.counted.at(THREAD.owingBuckets)).toBe(0);
  });

  test('stay debts where the script was not run, and are gone where nobody knows', async () => {
    const context = owing(['a']);
    context.store.available = true;
    await eventually(() => context.store.taken.length > 0, 'a script is sent');
    context.store.answer('OOM');
    expect(context.counted.at(THREAD.owingBuckets)).toBe(2);
    await eventually(() => context.store.taken.length > 0, 'it is sent again');
    context.store.answer('lost');
    expect(context.counted.at(THREAD.owingBuckets)).toBe(0);
  });

  test('are charged before the thread ends', async () => {
    const context = owing(['a', 'b']);
    context.store.available = true;
    const closed = context.limiter.close();
    await turn();
    expect(context.store.taken[0]?.wants).toHaveLength(4);
    context.store.answer();
    await closed;
    expect(context.store.memory.tokensNow('b', rule({ name: 'daily' }))).toBe(9);
  });

  test('are waited for while the store is away, but not for ever', async () => {
    const context = owing(['a'], { clock: monotonicMs });
    const startMs = monotonicMs();
    await context.limiter.close();
    expect(context.store.taken).toEqual([]);
    expect(monotonicMs() - startMs).toBeGreaterThanOrEqual(999);
  });

  test('have a bound: beyond it small ones are forgotten, and counted', async () => {
    const context = owing(['a', 'a', 'a', 'b', 'c', 'c'], { maxDebts: 4 });
    expect(context.counted.at(THREAD.owingBuckets)).toBe(4);
    expect(context.counted.at(THREAD.debtsForgotten)).toBeGreaterThan(0);
    context.store.available = true;
    context.ask('a', context.lane);
    await turn();
    expect(context.store.taken[0]?.wants[0]?.charges?.map(({ tokens }) => tokens)).toEqual([3, 3]);
  });
});
