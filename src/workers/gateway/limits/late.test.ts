import { describe, expect, test } from 'vitest';
import { setUp, spec, turn } from '../../../../test/limits/held-limiter.ts';
import { LATE, LOST } from '../../../shared/limits/store.ts';

/** Requests of one client whose flush is not answered in time. */
async function late(context: ReturnType<typeof setUp>, requests: number, lane = context.limiter.lane(spec())) {
  const all = Array.from({ length: requests }, () => context.ask('a', lane));
  await turn();
  context.store.answer(LATE);
  return all.flat().map(({ outcome, mode }) => `${outcome} ${mode}`);
}

/** What the store's bucket holds, and what is charged with the next request. */
async function next(context: ReturnType<typeof setUp>, lane = context.limiter.lane(spec())) {
  context.ask('a', lane);
  await turn();
  const [want] = context.store.taken[0]?.wants ?? [];
  return want?.charges?.map(({ tokens, ageMs }) => [tokens, ageMs]);
}

const sentBack = ({ store }: ReturnType<typeof setUp>) =>
  store.taken.flatMap(({ wants }) => wants.map(({ units }) => units)).filter((units) => units < 0);

describe('a reply that comes late', () => {
  test('and granted what was granted here: nothing is owed and nothing goes back', async () => {
    const context = setUp();
    expect(await late(context, 3)).toEqual(Array(3).fill('granted local'));
    context.store.book();
    expect(sentBack(context)).toEqual([]);
    expect(await next(context)).toBeUndefined();
  });

  test('and granted more: the rest goes back', async () => {
    const context = setUp({ liveNodes: () => 5 });
    const outcomes = await late(context, 8);
    expect(outcomes.filter((one) => one === 'granted local')).toHaveLength(2);
    context.store.book();
    expect(sentBack(context)).toEqual([-6]);
  });

  test('and granted less: the difference is owed, from the time at which it was granted', async () => {
    const context = setUp();
    context.store.memory.setTokens('a', spec().rules[0] as never, 1);
    expect(await late(context, 3)).toEqual(Array(3).fill('granted local'));
    context.time.ms += 40;
    context.store.book();
    context.time.ms += 1_000;
    expect(await next(context)).toEqual([[2, 1_040]]);
  });

  test('and says that nothing was run: all that was granted here is owed', async () => {
    const context = setUp();
    await late(context, 3);
    context.store.book('OOM');
    expect(await next(context)).toEqual([[3, 0]]);
  });

  test('that never comes, the connection is lost: it counts as run, and is never charged twice', async () => {
    const context = setUp();
    await late(context, 3);
    context.store.book(LOST);
    expect(await next(context)).toBeUndefined();
  });

  test('takes along the debts that it was sent with, or leaves them', async () => {
    for (const [failure, owed] of [
      [undefined, undefined],
      [LOST, undefined],
      ['BUSY', [[2, 500]]],
    ] as const) {
      const context = setUp();
      context.store.available = false;
      context.ask('a');
      context.store.available = true;
      context.time.ms += 500;
      await late(context, 1);
      context.store.book(failure);
      expect(await next(context)).toEqual(owed);
    }
  });

  test('of an open route: what passed is used, and is no debt', async () => {
    const context = setUp();
    const open = context.limiter.lane(spec({ onStoreFailure: 'open' }));
    expect(await late(context, 12, open)).toEqual(Array(12).fill('granted open'));
    context.store.book();
    expect(sentBack(context)).toEqual([]);
    expect(await next(context, open)).toBeUndefined();
  });

  test('of a closed route: its requests wait for it, and are refused only when the store is gone', async () => {
    const context = setUp();
    const closed = context.limiter.lane(spec({ onStoreFailure: 'closed' }));
    const all = Array.from({ length: 12 }, () => context.ask('a', closed));
    await turn();
    context.store.answer(LATE);
    expect(all.flat()).toEqual([]);
    context.store.book();
    expect(all.flat().map(({ outcome, mode }) => `${outcome} ${mode}`)).toEqual([
      ...Array(10).fill('granted store'),
      ...Array(2).fill('refused store'),
    ]);
    const [lost] = [context.ask('b', closed)];
    await turn();
    context.store.answer(LATE);
    context.store.book(LOST);
    expect(lost).toMatchObject([{ outcome: 'unavailable', mode: 'closed' }]);
  });
});

describe('what is granted while the store cannot be asked', () => {
  test('is a debt of each rule, charged with the next want at its time', async () => {
    const context = setUp();
    const lane = context.limiter.lane(spec({ cost: 2 }));
    context.store.available = false;
    context.ask('a', lane);
    context.time.ms += 200;
    context.ask('a', lane);
    context.time.ms += 300;
    context.store.available = true;
    expect(await next(context, lane)).toEqual([[4, 500]]);
    context.store.answer();
    expect(context.store.memory.tokensNow('a', spec().rules[0] as never)).toBeCloseTo(10 + 0.5 - 4 - 2, 5);
    expect(await next(context, lane)).toBeUndefined();
  });

  test('a want that was not run leaves its debts for the next', async () => {
    const context = setUp();
    context.store.available = false;
    context.ask('a');
    context.store.available = true;
    await next(context);
    context.store.answer('skipped');
    expect(await next(context)).toEqual([[2, 0]]); // the one that was decided here instead is owed too
  });

  test('refusals, open routes and lost connections owe nothing', async () => {
    const context = setUp();
    context.store.available = false;
    const open = context.limiter.lane(spec({ onStoreFailure: 'open' }));
    context.ask('a', open);
    context.store.available = true;
    context.ask('a');
    await turn();
    context.store.answer(LOST);
    expect(await next(context)).toBeUndefined();
  });

  test('a client that is reset owes nothing any more', async () => {
    const context = setUp();
    context.store.available = false;
    context.ask('a');
    context.limiter.forget('a');
    context.store.available = true;
    expect(await next(context)).toBeUndefined();
  });

  test('the local bucket keeps its level over outages, and starts at most at the last level heard', async () => {
    const context = setUp();
    const outage = () => {
      context.store.available = false;
      const granted = Array.from({ length: 12 }, () => context.ask('a'))
        .flat()
        .filter(({ outcome }) => outcome === 'granted');
      context.store.available = true;
      return granted.length;
    };
    expect(outage()).toBe(10);
    context.time.ms += 1_000;
    expect(outage()).toBe(1);
    context.store.memory.setTokens('b', spec().rules[0] as never, 0);
    for (let i = 0; i < 4; i++) await next(context);
    context.store.answer();
    expect(outage()).toBe(0); // it owes: heard to be below zero
  });
});
