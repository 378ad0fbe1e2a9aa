import { expect, test } from 'vitest';
import { until } from '../../../../test/support/wait.ts';
import { createConcurrencyMemory } from '../../../shared/overload/concurrency-memory.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { Places } from './places.ts';
import type { PlacedCall, Ticket } from './ticket.ts';
import { UpstreamRoom } from './upstream-room.ts';

const HIGH: Priority = 0;
const NORMAL: Priority = 1;
const LOW: Priority = 2;

interface Call extends PlacedCall {
  readonly name: string;
  ticket: Ticket | undefined;
}

/** A room on one thread, and what became of the calls in it. */
function roomOf(most: number, { queue = 10, fair = false } = {}) {
  const memory = createConcurrencyMemory(2, 2);
  const clients = { fair, nameOf: (address: string) => address, isExempt: () => false };
  const places = new Places({ memory, row: 1, slot: 0 });
  const room = new UpstreamRoom(places, clients, { most, threads: 1, queue });
  const told: string[] = [];
  const ask = (name: string, priority: Priority = NORMAL, address = 'a'): Call => {
    const call: Call = {
      name,
      priority,
      address,
      limitClient: '',
      ticket: undefined,
      onPlace: () => void told.push(name),
      onNoPlace: (code) => void told.push(`${name}: ${code}`),
      clientPace: () => Infinity,
      onTooSlow: () => {},
    };
    call.ticket = room.enter(call);
    if (call.ticket?.holds === true) told.push(name);
    return call;
  };
  const leave = ({ ticket }: Call): void => {
    if (ticket !== undefined) room.leave(ticket);
  };
  const other = new Places({ memory, row: 1, slot: 1 });
  other.configure(most, 1);
  return { room, told, ask, leave, other };
}

test('those that find no place wait, and get one as others leave, high before normal before low', async () => {
  const { room, told, ask, leave } = roomOf(1);
  const first = ask('first');
  ask('low', LOW);
  const normal = ask('normal');
  const high = ask('high', HIGH);
  expect(told).toEqual(['first']);
  expect(room.waiting).toBe(3);
  leave(first);
  await until(() => told.length === 2);
  leave(high);
  await until(() => told.length === 3);
  leave(normal);
  await until(() => told.length === 4);
  expect(told).toEqual(['first', 'high', 'normal', 'low']);
  expect(room.waiting).toBe(0);
});

test('whoever comes later passes nobody who matters as much, and passes who matters less', async () => {
  const { told, ask, leave } = roomOf(1);
  const first = ask('first');
  ask('waits');
  leave(first);
  ask('late'); // there is a place, which is the other's
  expect(told).toEqual(['first']);
  ask('urgent', HIGH);
  await until(() => told.length === 2);
  expect(told).toEqual(['first', 'urgent']);
});

test('in a full line one that matters less gives way; else the newcomer goes', () => {
  const { told, ask } = roomOf(1, { queue: 2 });
  ask('first');
  ask('low 1', LOW);
  ask('low 2', LOW);
  ask('normal', NORMAL);
  ask('high', HIGH);
  ask('high 2', HIGH);
  ask('high 3', HIGH);
  ask('low 3', LOW);
  expect(told).toEqual([
    'first',
    'low 2: upstream_overloaded',
    'low 1: upstream_overloaded',
    'normal: upstream_overloaded',
    'high 3: upstream_overloaded',
    'low 3: upstream_overloaded',
  ]);
});

test('in a full line of equals whoever has most of it gives way', () => {
  const { told, ask } = roomOf(1, { queue: 3, fair: true });
  ask('first');
  ask('greedy 1', NORMAL, 'greedy');
  ask('greedy 2', NORMAL, 'greedy');
  ask('greedy 3', NORMAL, 'greedy');
  ask('other', NORMAL, 'b');
  expect(told).toEqual(['first', 'greedy 3: too_many_in_flight']);
});

test('who waits and leaves takes no place later, and none is lost', async () => {
  const { room, told, ask, leave } = roomOf(1);
  const first = ask('first');
  leave(ask('gone'));
  ask('second');
  leave(first);
  await until(() => told.length === 2);
  expect(told).toEqual(['first', 'second']);
  expect(room.waiting).toBe(0);
});

test('what another thread gives back is had at the next tick', () => {
  const { room, told, ask, other } = roomOf(1);
  expect(other.take(NORMAL)).toBe(true);
  ask('waits');
  room.tick(1);
  expect(told).toEqual([]);
  other.giveBack();
  room.tick(2);
  expect(told).toEqual(['waits']);
});

test('with more places those that wait go on, and who had one keeps it', async () => {
  const { room, told, ask, leave } = roomOf(1);
  const first = ask('first');
  ask('second');
  ask('third');
  room.configure({ most: 2, threads: 1, queue: 10 });
  await until(() => told.length === 2);
  leave(first);
  await until(() => told.length === 3);
  expect(told).toEqual(['first', 'second', 'third']);
});
