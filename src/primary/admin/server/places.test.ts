import { EventEmitter, once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Places } from './places.ts';

function setUp(most = 4, forToken = 1) {
  let now = 0;
  const places = new Places({ nowMs: () => now, most, forToken, firstRequestWithinMs: 1e9, busyForMs: 10 });
  const gone: string[] = [];
  const open = (name: string): Socket => {
    const socket = new EventEmitter() as Socket;
    socket.destroy = () => {
      gone.push(name);
      socket.emit('close');
      return socket;
    };
    places.opened(socket);
    return socket;
  };
  return { places, gone, open, later: (ms: number) => (now += ms) };
}

test('silent connections make room, the oldest first', () => {
  const { gone, open, places } = setUp();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const sockets = names.map(open);
  expect(gone).toEqual(['a', 'b']);
  expect(places.begins(sockets[5] as Socket, false)).toBe(true);
  for (const name of ['g', 'h', 'i', 'j']) open(name);
  expect(gone).toEqual(['a', 'b', 'c', 'd', 'e', 'g']);
});

test('then those that have had their answer, then those that take long; a token holder goes last', () => {
  const { gone, open, places, later } = setUp();
  const holder = open('holder');
  places.begins(holder, true);
  places.ends(holder);
  const [slow, quick, idle] = ['slow', 'quick', 'idle'].map(open) as [Socket, Socket, Socket];
  expect(places.begins(slow, false)).toBe(true);
  later(10);
  expect(places.begins(quick, false)).toBe(true);
  expect(places.begins(idle, false)).toBe(true);
  places.ends(idle);
  places.begins(open('x'), true);
  expect(gone).toEqual(['idle']);
  places.begins(open('y'), true);
  expect(gone).toEqual(['idle', 'slow']);
  places.begins(open('z'), true);
  expect(gone).toEqual(['idle', 'slow', 'holder']);
  open('nobody leaves for me');
  expect(gone).toEqual(['idle', 'slow', 'holder', 'nobody leaves for me']);
});

test('the last places are for who knows the token', () => {
  const { open, places } = setUp();
  const others = ['a', 'b', 'c'].map(open);
  expect(others.map((socket) => places.begins(socket, false))).toEqual([true, true, true]);
  const one = open('d');
  expect(places.begins(one, false)).toBe(false);
  expect(places.begins(one, true)).toBe(true);
});

test('one whose wrong token is being held back leaves first', () => {
  const { open, places, gone } = setUp();
  const guessers = ['a', 'b', 'c'].map(open);
  for (const socket of guessers) {
    places.begins(socket, false);
    places.holds(socket);
  }
  expect(places.begins(open('d'), false)).toBe(true);
  expect(gone).toEqual(['a']);
});

test('a request that came while the process was stalled is heard; who says nothing leaves', async () => {
  const places = new Places({ nowMs: () => 0, most: 4, forToken: 1, firstRequestWithinMs: 50, busyForMs: 10 });
  const heard: boolean[] = [];
  const server = createServer((socket) => {
    places.opened(socket);
    socket.once('data', () => heard.push(places.begins(socket, false)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = connect(port, '127.0.0.1');
  const speaker = connect(port, '127.0.0.1');
  await Promise.all([once(silent, 'connect'), once(speaker, 'connect'), once(server, 'connection')]);
  speaker.write('GET');
  const untilMs = performance.now() + 120;
  while (performance.now() < untilMs);
  await once(silent, 'close');
  expect(heard).toEqual([true]);
  speaker.destroy();
  server.close();
});
