import { describe, expect, test } from 'vitest';
import { setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import { LATE } from '../../../shared/limits/store.ts';

/** Who makes up names: `count` of them, one request each. */
async function madeUp(context: ReturnType<typeof setUp>, count: number) {
  const lane = context.limiter.lane(spec());
  const all = Array.from({ length: count }, (_, i) => context.ask(`made-up${context.time.ms}-${i}`, lane));
  await turn();
  return all;
}

const served = (all: readonly { outcome: string }[][]): number =>
  all.flat().filter(({ outcome }) => outcome === 'granted').length;

describe('clients for which the store has no room', () => {
  test('are asked for again by their address, in one want that may make a bucket', async () => {
    const context = setUp({ room: { isFull: true } });
    const all = await madeUp(context, 12);
    context.store.answerNew();
    await turn();
    expect(context.store.taken[0]?.wants).toMatchObject([{ client: '192.0.2.1', mayMake: true, units: 12 }]);
    context.store.answer();
    expect([served(all), all.flat().length]).toEqual([10, 12]);
    expect(context.counted.at(THREAD.decidedByAddress)).toBe(12);
  });

  test('are counted here by their address where it cannot have a bucket either, whatever the failure mode; nothing is owed', async () => {
    for (const onStoreFailure of ['local', 'open', 'closed'] as const) {
      const noRoom: string[] = [];
      const context = setUp({ onNoRoom: (where) => noRoom.push(where) });
      const lane = context.limiter.lane(spec({ onStoreFailure }));
      const all = Array.from({ length: 12 }, (_, i) => context.ask(`made-up${i}`, lane));
      await turn();
      context.store.answerNew();
      await turn();
      context.store.answerNew();
      expect(all.flat().map(({ mode }) => mode)).toEqual(Array(12).fill('local'));
      expect([served(all), new Set(noRoom)]).toEqual([10, new Set(['redis'])]);
      expect(context.counted.at(THREAD.owingBuckets)).toBe(0);
    }
  });

  test('cannot be told from others while the store is late or away: only who was heard of counts by name', async () => {
    const room = { isFull: false };
    const context = setUp({ room });
    const lane = context.limiter.lane(spec());
    context.ask('known', lane);
    await turn();
    context.store.answer();
    room.isFull = true;
    const all = await madeUp(context, 12);
    context.store.answer(LATE);
    expect(served(all)).toBe(10);
    context.store.available = false;
    expect(served(await madeUp(context, 12))).toBe(0);
    expect(context.ask('known', lane)).toMatchObject([{ outcome: 'granted', remaining: 8 }]);
  });

  test('owe nothing any more: it is counted as forgotten', async () => {
    const context = setUp();
    const lane = context.limiter.lane(spec());
    context.store.available = false;
    context.ask('a', lane);
    expect(context.counted.at(THREAD.owingBuckets)).toBe(1);
    context.store.available = true;
    context.ask('a', lane);
    await turn();
    context.store.answerNew();
    expect([context.counted.at(THREAD.owingBuckets), context.counted.at(THREAD.debtsForgotten)]).toEqual([0, 1]);
  });
});
