import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ConnectionTable, createConnectionMemory, ROW_STATE, ThreadConnections } from './connection-table.ts';

const SLOTS = 3;

function setUp(capacity = 64) {
  const memory = createConnectionMemory(capacity, SLOTS);
  const threads = Array.from({ length: SLOTS }, (_, slot) => new ThreadConnections(memory, slot));
  const [thread = new ThreadConnections(memory, 0)] = threads;
  return { table: new ConnectionTable(memory), threads, thread };
}

const given = (table: ConnectionTable, slot = 0): number[] => {
  const rows: number[] = [];
  table.drainGiven(slot, rows);
  return rows.sort((a, b) => a - b);
};

describe('a row', () => {
  test('is idle from when its thread has the socket, but for exchanges', () => {
    const { table, thread } = setUp();
    table.queue(7);
    expect([table.state(7), table.idleSince(7)]).toEqual([ROW_STATE.queued, 0]);
    expect(thread.take(7, 100)).toBe(true);
    const since = table.idleSince(7);
    expect(thread.isIdleSince(7, since)).toBe(true);
    thread.markBusy(7);
    expect(table.idleSince(7)).toBe(0);
    thread.markIdle(7, 350);
    expect(table.idleSince(7) - since).toBe(250);
    expect(thread.isIdleSince(7, since)).toBe(false);
  });

  test('that the front took back is not taken, and comes back', () => {
    const { table, thread } = setUp();
    table.queue(1);
    table.queue(2);
    expect(table.revoke(1)).toBe(true);
    expect([thread.take(1, 0), thread.take(2, 0)]).toEqual([false, true]);
    expect(table.revoke(2)).toBe(false);
    expect([table.state(1), table.state(2)]).toEqual([ROW_STATE.returned, ROW_STATE.taken]);
  });

  test('whose socket did not come is missed, or returned where it was taken back', () => {
    const { table, thread } = setUp();
    table.queue(1);
    table.queue(2);
    table.revoke(2);
    thread.miss(1);
    thread.miss(2);
    expect([table.state(1), table.state(2)]).toEqual([ROW_STATE.missed, ROW_STATE.returned]);
  });

  test('is never idle since 0, whatever the clock says', () => {
    const { table, thread } = setUp();
    const wrapsToZero = 2 ** 32 - (performance.timeOrigin % 2 ** 32);
    thread.markIdle(3, wrapsToZero);
    expect(table.idleSince(3)).not.toBe(0);
  });
});

test('rows are given back once, by slot', () => {
  const { table, threads } = setUp();
  threads[0]?.release(4);
  threads[0]?.release(5);
  threads[2]?.release(6);
  expect([given(table, 0), given(table, 1), given(table, 2)]).toEqual([[4, 5], [], [6]]);
  expect(given(table, 0)).toEqual([]);
  threads[0]?.release(4);
  table.clearSlot(0);
  expect(given(table, 0)).toEqual([]);
});

test('what was sent is counted by slot', () => {
  const { table, threads } = setUp();
  table.countSent(1, 1);
  table.countSent(1, 1);
  table.countSent(1, -1);
  expect(threads.map((each) => each.sent())).toEqual([0, 1, 0]);
  table.clearSlot(1);
  expect(threads[1]?.sent()).toBe(0);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('release' as const), index: fc.nat(15) }),
  fc.record({ kind: fc.constant('drain' as const), index: fc.constant(0) }),
);

prop.prop([fc.array(step, { maxLength: 200 })])('every row that is given back is got back exactly once', (steps) => {
  const { table, thread } = setUp(16);
  const out = new Set(Array.from({ length: 16 }, (_, index) => index)); // with the thread
  const back = new Set<number>();
  for (const { kind, index } of steps) {
    if (kind === 'release' && out.delete(index)) {
      back.add(index);
      thread.release(index);
    } else if (kind === 'drain') {
      expect(given(table)).toEqual([...back].sort((a, b) => a - b));
      for (const row of back) out.add(row);
      back.clear();
    }
  }
  expect(given(table)).toEqual([...back].sort((a, b) => a - b));
});
