import { expect, test } from 'vitest';
import type { FairClients } from './fair-line.ts';
import type { Sharer } from './share.ts';
import { Streams } from './streams.ts';

const CLIENTS: FairClients = { fair: false, nameOf: (address) => address, isExempt: () => false };

const stream = (): Sharer => ({
  address: '192.0.2.1',
  limitClient: '',
  holds: false,
  waitsIn: undefined,
  heldIn: undefined,
  chainPrevious: undefined,
  chainNext: undefined,
});

test('another MAX_STREAMS holds from the reload on: those there stay, and count', () => {
  let refused = 0;
  const streams = new Streams(CLIENTS, 2, () => refused++);
  const there = [stream(), stream()];
  for (const each of there) streams.add(each);
  const third = stream();
  expect([streams.hasRoomFor(third), streams.hasRoomFor(third), refused]).toEqual([false, false, 1]);
  streams.configure(3);
  expect(streams.hasRoomFor(third)).toBe(true);
  streams.add(third);
  streams.configure(1);
  expect([streams.count, streams.hasRoomFor(stream()), refused]).toEqual([3, false, 2]);
  for (const each of there) expect(streams.remove(each)).toBe(true);
  expect(streams.hasRoomFor(stream())).toBe(false);
  expect([streams.remove(third), streams.hasRoomFor(stream())]).toEqual([true, true]);
});
