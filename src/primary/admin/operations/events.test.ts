import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLog } from '../../../shared/log.ts';
import { EventLog } from '../../events/event-log.ts';
import { EventReaders } from '../../events/event-readers.ts';
import { eventOperations } from './events.ts';
import { startAdminServer } from '../server/server.ts';

async function setUp(limits: Partial<ConstructorParameters<typeof EventReaders>[0]>) {
  const events = new EventLog({ wallClockMs: () => 0, onListenerError: () => {} });
  const options = { log: events, mostReaders: 1, mostWaitingBytes: 256 * 1024, heartbeatMs: 60_000, ...limits };
  const readers = new EventReaders(options);
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    operations: eventOperations(events, readers),
    token: () => ({ kind: 'none', reason: '' }),
    log: createLog({ level: 'silent', name: 'test' }),
  });
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('GET /admin/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  while (!readers.isFull) await nextTurn();
  return { events, readers, socket, server };
}

test('a reader that does not read is cut off, and takes no more memory than it may', async () => {
  const { events, readers, socket, server } = await setUp({});
  socket.pause();
  let added = 0;
  const details = { text: 'x'.repeat(4_000) };
  for (; readers.isFull && added < 20_000; added++) {
    events.add('thread', 'noise', details);
    if (added % 50 === 0) await nextTurn();
  }
  // What the system takes for a socket is some megabytes.
  expect(added).toBeLessThan(10_000);
  expect(readers.isFull).toBe(false);
  socket.destroy();
  await server.close();
});

test('a reader that hears nothing gets a sign of life', async () => {
  const { socket, server, readers } = await setUp({ heartbeatMs: 20 });
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  while (!text.includes(': still here')) await once(socket, 'data');
  readers.close();
  await once(socket, 'close');
  await server.close();
});

test('an end of the process is not held up by a reader that does not read', async () => {
  const { events, readers, socket, server } = await setUp({ mostWaitingBytes: 100 * 1024 * 1024 });
  socket.pause();
  const details = { text: 'x'.repeat(4_000) };
  for (let i = 0; i < 4_000; i++) {
    events.add('thread', 'noise', details);
    if (i % 50 === 0) await nextTurn();
  }
  const closed = once(socket, 'close');
  readers.close();
  while (readers.isFull) await nextTurn();
  await server.close();
  socket.destroy();
  await closed;
});

test('an event during the end of the process does not fail it where a reader does not read', async () => {
  const { events, readers, socket, server } = await setUp({ mostWaitingBytes: 100 * 1024 * 1024 });
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  process.on('uncaughtExceptionMonitor', onFault);
  socket.pause();
  const details = { text: 'x'.repeat(4_000) };
  for (let i = 0; i < 4_000; i++) {
    events.add('thread', 'noise', details);
    if (i % 50 === 0) await nextTurn();
  }
  readers.close();
  expect(readers.isFull).toBe(true); // it has not read the rest
  events.add('breaker', 'late');
  await nextTurn();
  process.off('uncaughtExceptionMonitor', onFault);
  expect(faults).toEqual([]);
  socket.destroy();
  await server.close();
});
