import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startFrontProcess } from './process.ts';
import type { FrontProcess } from './process.ts';
import { Client, startFront } from './setup.ts';
import { untilPasses } from '../support/wait.ts';

const REFUSED = /^HTTP\/1.1 503 Service Unavailable\r\n[^]*"code":"overloaded"/;

async function connected(port: number, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let i = 0; i < count; i++) {
    const client = await new Client(port).connected();
    await client.ask();
    clients.push(client);
  }
  return clients;
}

/** The stamps of idle connections are in milliseconds. */
const later = (): Promise<void> => new Promise((done) => setTimeout(done, 3));

describe('MAX_CONNECTIONS', () => {
  test('when it is reached the longest idle one goes and the newcomer is served', async () => {
    await using front = await startFront({ MAX_CONNECTIONS: '20' });
    const clients = await connected(front.port, 20);
    await later();
    await clients[0]?.ask(); // now it is idle for the shortest time
    const newcomer = new Client(front.port);
    expect(await newcomer.ask()).toBe('ok');
    await untilPasses(() => expect(clients.filter(({ closed }) => closed)).toHaveLength(1));
    expect(clients[0]?.closed).toBe(false);
    expect(front.acceptor.refused('evicted')).toBe(1);
  });

  test('connections that have sent nothing yet go too', async () => {
    await using front = await startFront({ MAX_CONNECTIONS: '20' });
    const silent = await Promise.all(Array.from({ length: 60 }, () => new Client(front.port).connected()));
    // Those that are on their way to a thread are not idle yet.
    await untilPasses(async () => expect(await new Client(front.port).ask()).toBe('ok'));
    await untilPasses(() => expect(silent.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(40));
  });

  test('where none is idle the newcomer is refused', async () => {
    await using front = await startFront({ MAX_CONNECTIONS: '4' });
    const busy = await connected(front.port, 4);
    await Promise.all(busy.map((client) => client.ask('hold')));
    const newcomer = new Client(front.port);
    await newcomer.ask();
    expect(newcomer.text).toMatch(REFUSED);
    await newcomer.until(({ closed }) => closed);
    expect(busy.every(({ closed }) => !closed)).toBe(true);
    expect(front.acceptor.refused('overloaded')).toBe(1);
  });

  test('of the address that has most: others keep theirs', async () => {
    await using front = await startFront({ MAX_CONNECTIONS: '20' });
    const few = await Promise.all(Array.from({ length: 3 }, () => fromAddress(front.port, '127.0.0.9')));
    await connected(front.port, 17);
    const many = await connected(front.port, 30);
    expect(many.at(-1)?.closed).toBe(false);
    expect(few.every(({ closed }) => !closed)).toBe(true);
    expect(await few[0]?.ask()).toBe('ok');
  });
});

/** Linux takes any of 127/8 for its own. */
async function fromAddress(port: number, localAddress: string): Promise<Client> {
  const client = await new Client(port, '127.0.0.1', localAddress).connected();
  await client.ask();
  return client;
}

describe('one address', () => {
  test('has no more than MAX_CONNECTIONS_PER_IP', async () => {
    await using front = await startFront({ MAX_CONNECTIONS_PER_IP: '3' });
    const [first] = await connected(front.port, 3);
    const refused = new Client(front.port);
    await refused.ask();
    expect(refused.text).toMatch(REFUSED);
    expect(await (await fromAddress(front.port, '127.0.0.9')).ask()).toBe('ok');
    first?.close();
    await untilPasses(async () => expect(await new Client(front.port).ask()).toBe('ok'));
  });

  test('opens no more than CONNECTION_RATE_PER_IP a second', async () => {
    await using front = await startFront({ CONNECTION_RATE_PER_IP: '1' });
    const clients = Array.from({ length: 50 }, () => new Client(front.port));
    await Promise.all(clients.map((client) => client.ask()));
    const served = clients.filter(({ text }) => text.startsWith('HTTP/1.1 200')).length;
    expect(served).toBeGreaterThanOrEqual(5);
    expect(served).toBeLessThan(50);
    expect(front.acceptor.refused('overloaded')).toBe(50 - served);
    expect(front.acceptor.refusedByRate).toBe(50 - served);
    expect(await (await fromAddress(front.port, '127.0.0.9')).ask()).toBe('ok');
  });

  test('in a storm of connections gets what its rate lets it have, and others get theirs', async () => {
    await using front = await startFront({ CONNECTION_RATE_PER_IP: '2', RATE_LIMIT_ALLOWLIST: '127.0.0.7' });
    const MANY = 1_000;
    const fromMs = performance.now();
    const storm = Array.from({ length: MANY }, () => new Client(front.port));
    const ended = Promise.all(storm.map((client) => client.ask().catch(() => undefined)));
    expect(await (await fromAddress(front.port, '127.0.0.9')).ask()).toBe('ok');
    const allowed = Array.from({ length: 30 }, () => fromAddress(front.port, '127.0.0.7'));
    for (const client of await Promise.all(allowed)) expect(client.closed).toBe(false);
    await ended;
    const served = storm.filter(({ text }) => text.startsWith('HTTP/1.1 200')).length;
    expect(served).toBeGreaterThanOrEqual(10);
    expect(served).toBeLessThanOrEqual(10 + Math.ceil(((performance.now() - fromMs) / 1_000) * 2));
    expect(front.acceptor.refusedByRate).toBe(MANY - served);
    await untilPasses(() => expect(storm.filter(({ closed }) => !closed)).toHaveLength(served));
  });

  test('that is a trusted proxy has no caps', async () => {
    await using front = await startFront({
      MAX_CONNECTIONS_PER_IP: '1',
      CONNECTION_RATE_PER_IP: '1',
      TRUSTED_PROXIES: '127.0.0.0/8',
    });
    const clients = await connected(front.port, 6);
    expect(clients.every(({ closed }) => !closed)).toBe(true);
  });
});

describe('open files', () => {
  test('256 of them and 400 idle clients: newcomers are served, nothing spins, the admin side has descriptors', async () => {
    await using front = await startFrontProcess({}, { openFiles: 256 });
    expect((await front.facts()).maxConnections).toBe(96);
    const idle = await Promise.all(Array.from({ length: 400 }, () => new Client(front.port).connected()));
    expect(await new Client(front.port).ask()).toBe('ok');
    const before = await front.facts();
    expect(before.openFiles).toBeLessThanOrEqual(192 + 16);
    await new Promise((done) => setTimeout(done, 1_000)); // what is measured is a second of doing nothing
    const after = await front.facts();
    expect(after.cpuMs - before.cpuMs).toBeLessThan(250);
    expect(idle.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(96 + 16);
  });

  test('where MAX_CONNECTIONS asks for more than there are, accepting pauses and goes on', async () => {
    await using front = await startFrontProcess({ MAX_CONNECTIONS: '1000' }, { openFiles: 256 });
    const busy = Array.from({ length: 400 }, () => new Client(front.port));
    for (const client of busy) client.socket.write('GET /hold HTTP/1.1\r\n\r\n');
    await untilPasses(async () => expect((await front.facts()).problem).not.toBe(''));
    const paused = await front.facts();
    expect(paused.problem).toBe('client connections are not accepted: out of file descriptors (ulimit -n 256)');
    expect(paused.openFiles).toBeLessThanOrEqual(192 + 16);
    await new Promise((done) => setTimeout(done, 1_000));
    const later = await front.facts();
    expect(later.cpuMs - paused.cpuMs).toBeLessThan(250);
    expect(busy.filter(({ closed }) => closed)).toEqual([]);
    for (const client of busy.slice(0, 330)) client.close();
    // Who waited in the kernel is served now, also by a second pause and resume.
    await untilPasses(async () => expect(await new Client(front.port).ask()).toBe('ok'));
    for (const client of busy) client.close();
    await untilPasses(async () => expect((await front.facts()).problem).toBe(''));
    expect(await new Client(front.port).ask()).toBe('ok');
  });
});

describe('without a descriptor for the thread', () => {
  /** A client whose socket is in the pipe to the only thread, which then finds no descriptor for it. */
  async function missed(front: FrontProcess): Promise<Client> {
    new Client(front.port).socket.write('GET /stuck-hold HTTP/1.1\r\n\r\n');
    await untilPasses(async () => expect((await front.facts()).stuck).toBe(true));
    await front.facts('exhaust but one');
    const client = await new Client(front.port).connected();
    await untilPasses(async () => expect((await front.facts()).problem).not.toBe(''));
    await front.facts('exhaust');
    await front.facts('go');
    return client;
  }

  test('a client waits until there is one', async () => {
    await using front = await startFrontProcess({ WORKERS: '1' }, { openFiles: 256 });
    const answer = (await missed(front)).ask();
    await front.facts('release');
    expect(await answer).toBe('ok');
    await untilPasses(async () => expect((await front.facts()).problem).toBe(''));
  });

  test('a client gets 503 when none comes', async () => {
    await using front = await startFrontProcess({ WORKERS: '1' }, { openFiles: 256 });
    const client = await missed(front);
    await client.ask();
    expect(client.text).toMatch(REFUSED);
    expect((await front.facts()).refused.overloaded).toBe(1);
  });
});

describe('a socket that was passed on', () => {
  test('is listened on in place of HOST and PORT', async () => {
    const server = await new Promise<Server>((done) => {
      const made = createServer().listen(0, '127.0.0.1', () => done(made));
    });
    const { port } = server.address() as { port: number };
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
    await using front = await startFrontProcess({ LISTEN_FDS: '1' }, { inherited: fd });
    server.close();
    expect(front.port).toBe(port);
    expect(await new Client(port).ask()).toBe('ok');
  });
});
