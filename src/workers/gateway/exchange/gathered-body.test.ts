import { expect, test } from 'vitest';
import { BodyRoom, GATHERED_BYTES, GatheredBody } from './gathered-body.ts';

const bytes = Buffer.from('0123456789');

test('pieces come out as they came, however many there were', () => {
  const room = new BodyRoom();
  const body = new GatheredBody(room);
  let sent = '';
  while (sent.length < GATHERED_BYTES + 10) {
    body.take(bytes, 2, 9);
    sent += '2345678';
  }
  expect(body.length).toBe(sent.length);
  expect(body.give().toString('latin1')).toBe(sent);
  expect(room.bytes).toBe(0);
});

test('what is given away is not written again', () => {
  const room = new BodyRoom();
  const first = new GatheredBody(room);
  first.take(bytes, 0, 10);
  const given = first.give();
  const second = new GatheredBody(room);
  second.take(Buffer.from('xxxxxxxxxx'), 0, 10);
  expect(given.toString()).toBe('0123456789');
});

test('the room counts the memory, is full at 16 MiB, and is free again', () => {
  const room = new BodyRoom();
  const bodies: GatheredBody[] = [];
  while (!room.isFull) {
    const body = new GatheredBody(room);
    for (let i = 0; i < 6; i++) body.take(Buffer.alloc(10_000), 0, 10_000);
    bodies.push(body);
  }
  expect(bodies).toHaveLength(256);
  bodies[0]?.release();
  expect(room.isFull).toBe(false);
  for (const body of bodies.slice(1)) body.release();
  expect(room.bytes).toBe(0);
});
