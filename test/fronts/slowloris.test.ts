import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cpuTime } from '../../bench/shared/cpu-time.ts';
import { ask, requestText, statusOf } from '../support/http.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { residentBytes } from '../lifecycle/heap.ts';
import { counts, send } from '../lifecycle/load.ts';

/** More than the buffers of the kernel take of it. */
const LARGE = Buffer.alloc(10_000_000, 'l');
const MEDIUM = LARGE.subarray(0, 1_000_000);
const upstream = createServer(({ url }, res) => void res.end(url === '/large' ? LARGE : MEDIUM));
beforeAll(async () => {
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
afterAll(() => {
  upstream.close();
  upstream.closeAllConnections();
});

const start = (env: Readonly<Record<string, string>> = {}): Promise<Gateway> =>
  startGateway({
    front: 'native',
    env: {
      ...FORWARDING_ONLY,
      UPSTREAM_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      ACCESS_LOG: 'off',
      ...env,
    },
  });

/** Milliseconds of CPU of the whole process. */
function cpuMs(gateway: Gateway): number {
  const spent = cpuTime(gateway.process.pid ?? 0);
  return spent === undefined ? Number.NaN : (spent.userUs + spent.systemUs) / 1000;
}

async function refused(gateway: Gateway, code: string): Promise<number> {
  const { body } = await send(gateway.adminPort, { path: '/metrics' });
  return Number(new RegExp(`http_refused_total\\{code="${code}"\\} (\\d+)`).exec(body)?.[1] ?? 0);
}

const connections = async (gateway: Gateway): Promise<number> => (await counts(gateway.adminPort)).connections;

async function manyClients(port: number, count: number): Promise<RawConnection[] & Disposable> {
  const clients = await Promise.all(Array.from({ length: count }, () => rawClient(port)));
  return Object.assign(clients, {
    [Symbol.dispose]: () => {
      for (const client of clients) client.socket.destroy();
    },
  });
}

it('500 clients that send their heads byte by byte get 408 in time, and hold up nobody', async () => {
  await using gateway = await start({ IDLE_TIMEOUT_SECONDS: '2' });
  using clients = await manyClients(gateway.port, 500);
  const head = requestText('GET', '/proxy/never', [`Cookie: ${'c'.repeat(4_000)}`]);
  let at = 0;
  const before = cpuMs(gateway);
  const drip = setInterval(() => {
    for (const client of clients) if (!client.socket.closed) client.send(head[at] ?? '');
    at++;
  }, 50);
  const answers = Promise.all(clients.map((client) => client.closed(10_000)));
  expect(statusOf(await ask(gateway.port, requestText('GET', '/health')))).toBe(200);
  const texts = await answers;
  clearInterval(drip);
  expect(texts.filter((text) => !/^HTTP\/1\.1 408 [^]*"code":"header_timeout"/.test(text))).toEqual([]);
  expect(await refused(gateway, 'header_timeout')).toBe(500);
  // 20,000 reads of a byte: some 20 µs each where a start takes 0.8 s, system calls included, and something else goes on.
  expect(cpuMs(gateway) - before).toBeLessThan(3 * before);
});

it('two million chunks of one byte are refused at the first thousand', async () => {
  await using gateway = await start();
  using client = await rawClient(gateway.port);
  client.send(requestText('POST', '/proxy/tiny', ['Transfer-Encoding: chunked']));
  const before = cpuMs(gateway);
  const piece = Buffer.from('1\r\nx\r\n'.repeat(10_000), 'latin1');
  for (let i = 0; i < 200 && !client.socket.closed; i++) {
    if (client.socket.write(piece)) continue;
    // It ends with an error where the gateway has closed before all was written, which is what is wanted.
    await Promise.race([once(client.socket, 'drain'), once(client.socket, 'close')]).catch(() => undefined);
  }
  expect(await client.until('bad_request')).toMatch(/^HTTP\/1\.1 400 [^]*connection: close/);
  await eventually(async () => (await connections(gateway)) === 0, 'it is gone');
  expect(await refused(gateway, 'bad_request')).toBe(1);
  expect(cpuMs(gateway) - before).toBeLessThan(1.5 * before); // of what its start has taken
});

it('clients that ask for much at once and read nothing cost a bounded amount of memory, and are given up', async () => {
  await using gateway = await start({
    BODY_IDLE_TIMEOUT_SECONDS: '1',
    UPSTREAM_CONNECTIONS: '1000',
  });
  const pid = gateway.process.pid ?? 0;
  expect(statusOf(await ask(gateway.port, requestText('GET', '/health')))).toBe(200);
  const before = await residentBytes(pid);
  // Sockets hold what is not read, some MB each, and more of them would take all that the kernel has for TCP from everybody.
  const count = 20;
  using clients = await manyClients(gateway.port, count);
  await eventually(async () => (await connections(gateway)) === count, 'all are there');
  for (const client of clients) {
    client.socket.pause();
    client.send(requestText('GET', '/proxy/large') + requestText('GET', '/proxy/medium').repeat(15));
  }
  let most = 0;
  const givenUp = async (): Promise<boolean> => {
    most = Math.max(most, await residentBytes(pid));
    return (await connections(gateway)) === 0;
  };
  await eventually(givenUp, 'all are given up', 120_000);
  // On a machine that stalls the upstream may be the one that is too late.
  expect(await refused(gateway, 'client_stalled')).toBeGreaterThan(count / 2);
  // A read of an upstream (64 KB) for each of 16 exchanges, the garbage of making it, and once what V8 grows by.
  expect(most - before).toBeLessThan(count * 3 * 16 * 64 * 1024 + 64 * 1024 * 1024);
});
