import { expect, test } from 'vitest';
import { TicketKeyRing } from './ticket-key-ring.ts';

const [a, b, c] = [1, 2, 3].map((byte) => Buffer.alloc(48, byte)) as [Buffer, Buffer, Buffer];

test('a random key, and the one before after a rotation', () => {
  const ring = new TicketKeyRing(undefined);
  const [first, ...none] = ring.current;
  expect([first?.length, none]).toEqual([48, []]);
  expect(new TicketKeyRing(undefined).current).not.toEqual(ring.current);
  ring.take(undefined);
  expect(ring.current).toEqual([first]);
  expect(ring.rotate()).toBe(true);
  const [second] = ring.current;
  expect(ring.current).toEqual([second, first]);
  expect(second).not.toEqual(first);
  ring.rotate();
  expect(ring.current.slice(1)).toEqual([second]);
});

test('keys of a file are rotated only by the file', () => {
  const ring = new TicketKeyRing([a, b]);
  expect(ring.current).toEqual([a, b]);
  expect(ring.rotate()).toBe(false);
  ring.take([Buffer.from(a), b]);
  expect(ring.current).toEqual([a, b]);
});

test('the key that sealed until now still opens what it sealed, until the next change', () => {
  const ring = new TicketKeyRing([a]);
  ring.take([b]);
  expect(ring.current).toEqual([b, a]);
  ring.take([b]);
  expect(ring.current).toEqual([b, a]);
  ring.take([c, b]);
  expect(ring.current).toEqual([c, b]);
});

test('a file that comes or goes', () => {
  const ring = new TicketKeyRing(undefined);
  const [random] = ring.current;
  ring.take([a]);
  expect(ring.current).toEqual([a, random]);
  ring.take(undefined);
  expect(ring.current).toHaveLength(2);
  expect(ring.current[1]).toBe(a);
});
