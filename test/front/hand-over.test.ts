import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { replaceThreads } from '../../src/primary/threads/replace-threads.ts';
import { createLog } from '../../src/shared/log.ts';
import { Client, startFront } from './setup.ts';
import { untilPasses } from '../support/wait.ts';

const counts = (answers: readonly string[]): number[] => {
  const by = new Map<string, number>();
  for (const each of answers) by.set(each, (by.get(each) ?? 0) + 1);
  return [...by.values()];
};

test('8,000 connections in bursts over two threads all arrive, and both take about as many', async () => {
  await using front = await startFront({ MAX_CONNECTIONS: '20000' });
  const answers: string[] = [];
  for (let burst = 0; burst < 16; burst++) {
    const clients = Array.from({ length: 500 }, () => new Client(front.port));
    answers.push(...(await Promise.all(clients.map((client) => client.ask('who')))));
    for (const client of clients) client.close();
  }
  expect(answers.filter((each) => !/^\d$/.test(each))).toEqual([]);
  expect(Math.min(...counts(answers))).toBeGreaterThan(3_500);
});

/** Clients of both threads, by the slot that has them. */
async function onePerThread(port: number): Promise<Map<string, Client>> {
  const clients = new Map<string, Client>();
  while (clients.size < 2) {
    const client = new Client(port);
    clients.set(await client.ask('who'), client);
  }
  return clients;
}

describe('what waits for a thread', () => {
  test('that dies goes to the other', async () => {
    await using front = await startFront();
    const [[, first] = [], [slot, second] = []] = [...(await onePerThread(front.port))];
    if (first === undefined || second === undefined) throw new Error('no clients');
    // The first thread is stuck, so half of these are in its pipe when it ends.
    first.socket.write('GET /stuck HTTP/1.1\r\n\r\n');
    await untilPasses(() => expect(front.isStuck()).toBe(true));
    const clients = Array.from({ length: 40 }, () => new Client(front.port));
    await Promise.all(clients.map((client) => client.connected()));
    const answers = Promise.all(clients.map((client) => client.ask('who')));
    const stuck = front.threads.all().find((each) => String(each.slot) !== slot);
    await stuck?.worker.terminate();
    expect(await answers).toHaveLength(40);
    expect(clients.every(({ text }) => text.startsWith('HTTP/1.1 200'))).toBe(true);
    expect(await second.ask('who')).toBe(slot);
  });

  test('that is stuck goes to the other once it is out of the ring, and is not served twice', async () => {
    await using front = await startFront();
    const [[, first] = [], [slot] = []] = [...(await onePerThread(front.port))];
    first?.socket.write('GET /stuck HTTP/1.1\r\n\r\n');
    await untilPasses(() => expect(front.isStuck()).toBe(true));
    const clients = Array.from({ length: 40 }, () => new Client(front.port));
    expect(new Set(await Promise.all(clients.map((client) => client.ask('who'))))).toEqual(new Set([slot]));
    front.go();
    await front.threads.until(() => front.threads.all().every(({ state }) => state.kind === 'serving'), 5_000);
    expect(new Set(await Promise.all(clients.map((client) => client.ask('who'))))).toEqual(new Set([slot]));
    expect(clients.every(({ closed }) => !closed)).toBe(true);
  });

  test('that stays stuck is no matter: it is ended, and the only thread has a successor', async () => {
    await using front = await startFront({ WORKERS: '1' });
    const lost = new Client(front.port);
    lost.socket.write('GET /stuck HTTP/1.1\r\n\r\n');
    const [stuck] = front.threads.all();
    await untilPasses(() => expect(front.isStuck()).toBe(true));
    const waiting = new Client(front.port);
    expect(await waiting.ask()).toBe('ok'); // it waited in the pipe of the thread that was ended
    await lost.until(({ closed }) => closed);
    await front.threads.until(() => front.threads.all().every((each) => each !== stuck), 5_000);
    expect(front.threads.restarts).toBe(1);
  });

  test('that was silent, and is back before the front has seen it, is served', async () => {
    await using front = await startFront({ WORKERS: '1' });
    const first = new Client(front.port);
    first.socket.write('GET /stuck HTTP/1.1\r\n\r\n');
    await front.threads.until(() => front.threads.all().every(({ state }) => state.kind === 'silent'), 10_000);
    const client = new Client(front.port);
    const answer = client.ask();
    await client.connected();
    front.go();
    expect(await answer).toBe('ok');
  });

  test('that leaves in order is served', async () => {
    await using front = await startFront();
    const before = new Set(front.threads.all());
    let replaced = false;
    const replacing = replaceThreads(front.threads, createLog({ level: 'silent', name: 'test' })).then((all) => {
      replaced = true;
      return all;
    });
    const answers: Promise<string>[] = [];
    while (!replaced) {
      const clients = Array.from({ length: 20 }, () => new Client(front.port));
      answers.push(...clients.map((client) => client.ask('who').finally(() => client.close())));
      await answers.at(-1);
    }
    expect(await replacing).toBe(true);
    await front.threads.until(() => front.threads.all().every((thread) => !before.has(thread)), 5_000);
    expect(answers.length).toBeGreaterThan(100);
    expect((await Promise.all(answers)).filter((each) => !/^\d$/.test(each))).toEqual([]);
  });
});

test('a close by the thread reaches the client, though the front may still have its copy', async () => {
  await using front = await startFront();
  const socket = connect(front.port, '127.0.0.1');
  socket.end();
  socket.resume();
  await once(socket, 'end');
});

test('a client that comes when the only thread has died waits for its successor', async () => {
  await using front = await startFront({ WORKERS: '1' });
  const [only] = front.threads.all();
  await only?.worker.terminate();
  const startMs = performance.now();
  const answer = await new Client(front.port).ask();
  // A machine that needs longer for a thread than anybody is let wait has shown the waiting all the same.
  expect(answer === 'ok' || performance.now() - startMs > 1_900).toBe(true);
});

test('without a thread clients get 503 no_threads', async () => {
  await using front = await startFront({ WORKERS: '1' });
  front.threads.drain(1_000); // and none is replaced
  const client = new Client(front.port);
  client.socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n${'x'.repeat(40_000)}`);
  await client.until(({ closed }) => closed);
  expect(client.text).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
  expect(client.text).toContain('Connection: close\r\n');
  expect(client.text).toContain('Retry-After: 1\r\n');
  expect(client.text).toContain('"code":"no_threads"');
});

test('strangers who find the socket of the threads get nothing', async () => {
  await using front = await startFront();
  const start = front.acceptor.forThread(5);
  if (start.kind !== 'native') throw new Error('not native');
  for (const proof of [`5 ${'0'.repeat(48)}\n`, 'x'.repeat(200), `0 ${start.secret}\n`]) {
    const socket = connect({ path: start.pipe });
    socket.on('error', () => {});
    socket.write(proof);
    await once(socket, 'close');
  }
  const client = new Client(front.port);
  expect(await client.ask()).toBe('ok');
});
