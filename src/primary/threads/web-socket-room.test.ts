import { expect, onTestFinished, test } from 'vitest';
import { WebSocketRoom } from './web-socket-room.ts';

test('that all places are taken is said once, and that there is room again when a tenth is free', () => {
  let [open, most] = [0, 20];
  const said: string[] = [];
  const room = new WebSocketRoom({
    open: () => open,
    most: () => most,
    onChange: (isFull, of) => said.push(`${isFull ? 'full' : 'room'} of ${of}`),
  });
  onTestFinished(() => room.close());
  for (const now of [19, 20, 20, 19, 20, 18]) {
    open = now;
    room.look();
  }
  expect(said).toEqual(['full of 20', 'room of 20']);
  open = 20;
  room.look();
  most = 40; // by a reload
  room.look();
  expect(said.slice(2)).toEqual(['full of 20', 'room of 40']);
});
