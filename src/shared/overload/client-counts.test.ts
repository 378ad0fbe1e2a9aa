import { expect, test } from 'vitest';
import { clearClientCounts, ClientCounts, createClientCounts } from './client-counts.ts';

const threads = (slots: number) => {
  const memory = createClientCounts(slots, 0x2a_5b_11_07);
  return { memory, each: Array.from({ length: slots }, (_, slot) => new ClientCounts(memory, slot)) };
};

test('what a client has under way counts on all threads, and of no other client', () => {
  const { each } = threads(3);
  const [one, two, three] = each as [ClientCounts, ClientCounts, ClientCounts];
  expect(one.enter('a', 3)).toBe(true);
  expect(two.enter('a', 3)).toBe(true);
  expect(two.enter('a', 3)).toBe(true);
  expect(each.map((thread) => thread.enter('a', 3))).toEqual([false, false, false]);
  expect(three.enter('b', 1)).toBe(true);
  two.leave('a');
  expect(three.enter('a', 3)).toBe(true);
  expect(one.enter('a', 3)).toBe(false);
});

test('what a thread had is gone with it, and what others have is not', () => {
  const { memory, each } = threads(2);
  const [one, two] = each as [ClientCounts, ClientCounts];
  expect(one.enter('a', 2) && two.enter('a', 2)).toBe(true);
  expect(two.enter('a', 2)).toBe(false);
  clearClientCounts(memory, 0);
  expect(two.enter('a', 2)).toBe(true);
  expect(two.enter('a', 2)).toBe(false);
});

test('many clients at once stay apart', () => {
  const { each } = threads(2);
  const [one, two] = each as [ClientCounts, ClientCounts];
  const clients = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const refused = clients.filter((client) => !one.enter(client, 2) || !two.enter(client, 2));
  expect(refused.length).toBeLessThanOrEqual(2);
  expect(clients.filter((client) => two.enter(client, 2))).toEqual([]);
});
