import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { replaceThreads } from '../../src/primary/threads/replace-threads.ts';
import { canReusePort } from '../../src/primary/front/ways.ts';
import { createLog } from '../../src/shared/log.ts';
import { Client, startFront } from './setup.ts';
import { until, untilPasses } from '../support/wait.ts';

/** As many as the gateway would take (load-config.ts). */
const ENV = { GATEWAY_TEST_NO_HANDLES: 'on', WORKERS: canReusePort() ? '2' : '1' };

describe("without Node's own handles", () => {
  test('threads listen themselves', async () => {
    await using front = await startFront(ENV);
    expect(front.acceptor.kind).toBe('public');
    const seen = new Set<string>();
    await until(async () => {
      const client = new Client(front.port);
      const [who, address] = [await client.ask('who'), await client.ask('address')];
      expect([who, address]).toEqual([expect.stringMatching(/^\d$/), '127.0.0.1']);
      client.close();
      return seen.add(who).size === Number(ENV.WORKERS); // the first listens before the others
    });
  });

  test('a thread that is replaced finishes what it has, and the next one listens', async () => {
    await using front = await startFront(ENV);
    const before = new Set(front.threads.all());
    const old = await new Client(front.port).connected();
    const slot = await old.ask('who');
    const replacing = replaceThreads(front.threads, createLog({ level: 'silent', name: 'test' }));
    expect(await old.ask('who')).toBe(slot);
    expect(await replacing).toBe(true);
    old.close();
    await front.threads.until(() => front.threads.all().every((each) => !before.has(each)), 10_000);
    // One thread at a time can listen before Node 23.1: nobody does for some milliseconds.
    await untilPasses(async () => expect(await new Client(front.port).ask()).toBe('ok'));
  });

  test('a port that is taken is said to be', async () => {
    await using front = await startFront(ENV);
    const server = await new Promise<Server>((done) => {
      const made = createServer().listen(0, '127.0.0.1', () => done(made));
    });
    const { port } = server.address() as { port: number };
    await expect(front.acceptor.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    server.close();
  });
});

describe('listening', () => {
  test.each([
    ['127.0.0.1', 'EADDRINUSE'],
    ['192.0.2.1', 'EADDRNOTAVAIL'],
    ['nowhere.invalid', 'ENOTFOUND'],
  ])('on %s that cannot be: %s', async (host, code) => {
    await using front = await startFront({ WORKERS: '1' });
    await expect(front.acceptor.listen(host, front.port)).rejects.toMatchObject({ code });
  });

  test.each(['::', '::1', 'localhost'])('on %s', async (host) => {
    await using front = await startFront({ WORKERS: '1' });
    const port = await front.acceptor.listen(host, 0);
    const client = new Client(port, host === '::' ? '127.0.0.1' : host);
    expect(await client.ask('address')).toBe(host === '::1' ? '::1' : '127.0.0.1');
  });
});
