import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RefusedList } from '../../../shared/limits/refused-list.ts';
import { RefusedClients } from './refused-clients.ts';

const lists: RefusedList[] = [];
let clients: RefusedClients;

beforeEach(() => {
  vi.useFakeTimers();
  lists.length = 0;
  clients = new RefusedClients({ clock: () => Date.now(), tell: (list) => lists.push(list) });
});

afterEach(() => {
  clients.close();
  vi.useRealTimers();
});

const refuse = (client: string, times: number): void => {
  for (let i = 0; i < times; i++) clients.add(client);
};

test('the front hears at most once a second, and only of changes', () => {
  refuse('a', 3);
  refuse('b', 5);
  expect(lists).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(lists).toEqual([
    {
      windowMs: 1_000,
      floor: 0,
      clients: [
        ['b', 5, 0],
        ['a', 3, 0],
      ],
    },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(lists).toHaveLength(1);
  refuse('a', 3);
  vi.advanceTimersByTime(1_000);
  expect(lists[1]?.clients).toEqual([
    ['a', 6, 0],
    ['b', 5, 0],
  ]);
});

test('counts are of the last five to ten minutes, and nothing runs when they have ended', () => {
  refuse('a', 1);
  vi.advanceTimersByTime(300_000);
  refuse('a', 2);
  vi.advanceTimersByTime(299_000);
  expect(clients.list()).toMatchObject({ windowMs: 599_000, clients: [['a', 3, 0]] });
  vi.advanceTimersByTime(1_000);
  expect(clients.list()).toMatchObject({ windowMs: 300_000, clients: [['a', 2, 0]] });
  vi.advanceTimersByTime(300_000);
  expect(lists.at(-1)).toEqual({ windowMs: 0, floor: 0, clients: [] });
  expect(vi.getTimerCount()).toBe(0);
});

test('after an hour of silence it counts again', () => {
  refuse('a', 1);
  vi.advanceTimersByTime(3_600_000);
  refuse('b', 1);
  vi.advanceTimersByTime(1_000);
  expect(lists.at(-1)).toMatchObject({ windowMs: 1_000, clients: [['b', 1, 0]] });
});

test('what was not said yet is said at the end', () => {
  refuse('a', 1);
  clients.close();
  expect(lists).toMatchObject([{ clients: [['a', 1, 0]] }]);
});

test('a flood of clients leaves the frequent ones in and the list short', () => {
  for (let i = 0; i < 20_000; i++) {
    clients.add(`flood-${i}`);
    if (i % 20 === 0) clients.add('heavy');
  }
  const { clients: listed, floor } = clients.list();
  expect(listed).toHaveLength(256);
  const [client, refused, overcount] = listed[0] ?? ['', 0, 0];
  expect(client).toBe('heavy');
  expect(refused).toBeGreaterThanOrEqual(1_000);
  expect(refused - overcount).toBeLessThanOrEqual(1_000);
  expect(floor).toBeLessThanOrEqual(21_000 / 256);
});
