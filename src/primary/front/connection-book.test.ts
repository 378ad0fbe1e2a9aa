import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { ThreadConnections } from '../../shared/threads/connection-table.ts';
import { AddressHolders } from './address-holders.ts';
import { ConnectionBook } from './connection-book.ts';
import { Evictor } from './evictor.ts';

const SLOTS = 3;

function setUp(capacity = 48) {
  const holders = new AddressHolders({
    maxConnectionsPerIp: 0,
    connectionRatePerIp: 0,
    trustedProxies: ['10.0.0.9'],
    allowed: [],
  });
  const book = new ConnectionBook(capacity, SLOTS, holders);
  const threads = Array.from({ length: SLOTS }, (_, slot) => new ThreadConnections(book.table.memory, slot));
  const thread = (slot: number): ThreadConnections => {
    const found = threads[slot];
    if (found === undefined) throw new Error('no such slot');
    return found;
  };
  const open = (slot: number, address: string, nowMs = 0): number => {
    const index = book.allocate(slot, holders.of(address, 0));
    if (index === undefined) throw new Error('full');
    book.table.queue(index);
    thread(slot).take(index, nowMs);
    return index;
  };
  return { holders, book, thread, open };
}

test('rows of one cache line go to one thread', () => {
  const { open } = setUp();
  const [a, b, c] = [open(0, '10.0.0.1'), open(1, '10.0.0.1'), open(0, '10.0.0.1')];
  expect([a, b, c]).toEqual([0, 16, 1]);
});

test('one thread may have all rows, and then another', () => {
  const { book, open } = setUp();
  const all = Array.from({ length: 48 }, () => open(0, '10.0.0.1'));
  expect(new Set(all).size).toBe(48);
  expect(() => open(1, '10.0.0.1')).toThrow('full');
  for (const index of all) book.free(index);
  expect(new Set(Array.from({ length: 48 }, () => open(1, '10.0.0.1'))).size).toBe(48);
});

test('what a thread had is free when it has gone', () => {
  const { book, open, holders } = setUp();
  for (let i = 0; i < 20; i++) open(i % 2, '10.0.0.1');
  book.freeSlot(0);
  expect([book.open, book.openOf(0), book.openOf(1)]).toEqual([10, 0, 10]);
  book.freeSlot(1);
  expect([book.open, holders.size]).toEqual([0, 0]);
});

test('one that is to have another row counts all the while, also when it was the last of its address', () => {
  const { book, open, holders } = setUp();
  const index = open(0, '10.0.0.1');
  const holder = holders.of('10.0.0.1', 0);
  book.free(index);
  book.hold(holder);
  expect([book.open, holders.of('10.0.0.1', 0)]).toEqual([1, holder]);
  const next = book.allocate(1, holder);
  book.letGo(holder);
  expect([book.open, holder.open, holders.size]).toEqual([1, 1, 1]);
  book.free(next ?? -1);
  expect([book.open, holders.size]).toEqual([0, 0]);
});

const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1');
const step = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), slot: fc.nat(SLOTS - 1), address }),
  fc.record({ kind: fc.constant('close' as const), which: fc.nat(50) }),
  fc.record({ kind: fc.constant('gone' as const), slot: fc.nat(SLOTS - 1) }),
);

prop.prop([fc.array(step, { maxLength: 300 })])('counts are those of the connections that are open', (steps) => {
  const { book, holders, thread, open } = setUp();
  let model: { index: number; slot: number; key: string }[] = [];
  for (const each of steps) {
    if (each.kind === 'open' && model.length < 48) {
      const index = open(each.slot, each.address);
      expect(model.some((known) => known.index === index)).toBe(false);
      model.push({ index, slot: each.slot, key: book.holderOf(index)?.key ?? '' });
    } else if (each.kind === 'close') {
      const [closed] = model.splice(each.which, 1);
      if (closed !== undefined) {
        thread(closed.slot).release(closed.index);
        for (const index of book.closedBy(closed.slot)) book.free(index);
      }
    } else if (each.kind === 'gone') {
      model = model.filter(({ slot }) => slot !== each.slot);
      book.freeSlot(each.slot);
    }
    expect(book.open).toBe(model.length);
    for (let slot = 0; slot < SLOTS; slot++) {
      expect(book.openOf(slot)).toBe(model.filter((known) => known.slot === slot).length);
    }
    for (const holder of holders.all()) {
      expect(holder.open).toBe(model.filter(({ key }) => key === holder.key).length);
    }
  }
});

test('room is made by the address that has most, the longest idle first, trusted proxies last', () => {
  const { book, thread, open } = setUp();
  const proxy = Array.from({ length: 10 }, (_, i) => open(0, '10.0.0.9', i));
  const many = Array.from({ length: 6 }, (_, i) => open(i % 2, '10.0.0.1', 100 + i));
  const [few = -1] = Array.from({ length: 3 }, () => open(1, '10.0.0.2', 1));
  const gone: number[] = [];
  const evictor = new Evictor(book, (slot, { index, since }) => {
    expect(thread(slot).isIdleSince(index, since)).toBe(true);
    gone.push(index);
  });
  thread(0).markBusy(many[0] ?? -1);
  expect(evictor.evict()).toBe(true);
  expect(gone).toEqual([many[1]]);
  expect(evictor.leaving()).toBe(1);
  thread(1).markBusy(many[1] ?? -1); // it was not idle any more when the thread heard of it
  expect(evictor.leaving()).toBe(0);
  for (const index of many) thread(book.slotOf(index)).markBusy(index);
  expect([evictor.evict(), evictor.evict(), evictor.evict()]).toEqual([true, true, true]);
  expect(gone.slice(1)).toContain(few);
  expect(evictor.evict()).toBe(true);
  expect(gone.at(-1)).toBe(proxy[0]);
  expect(gone).toHaveLength(new Set(gone).size);
});

test('nobody idle, nobody goes', () => {
  const { book, thread, open } = setUp();
  thread(0).markBusy(open(0, '10.0.0.1'));
  const evictor = new Evictor(book, () => {});
  expect(evictor.evict()).toBe(false);
});
