import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProxyHeaderReader } from '../../src/workers/gateway/fronts/native/proxy-protocol.ts';
import type { ProxiedSource } from '../../src/workers/gateway/fronts/native/proxy-protocol.ts';
import { freePort } from '../support/ports.ts';

/** What came of a connection that a proxy opened: whom it is of, and what the client sent. */
interface Arrived {
  readonly source: ProxiedSource | 'the peer itself' | 'bad';
  readonly rest: string;
}

const folder = mkdtempSync(join(tmpdir(), 'gateway-haproxy-'));
const arrivals: Arrived[] = [];
let wake = (): void => {};

function read(socket: Socket): void {
  const reader = new ProxyHeaderReader();
  const whenRead = (data: Buffer): void => {
    const step = reader.push(data, 0, data.length);
    if (step.kind === 'more') return;
    const source = step.kind === 'bad' ? 'bad' : (step.source ?? 'the peer itself');
    arrivals.push({ source, rest: step.kind === 'done' ? data.toString('latin1', step.consumed) : '' });
    wake();
    socket.destroy();
  };
  socket.on('data', whenRead).on('error', () => {});
}

async function arrival(of: (arrived: Arrived) => boolean): Promise<Arrived> {
  for (;;) {
    const found = arrivals.find(of);
    if (found !== undefined) return found;
    await new Promise<void>((again) => (wake = again));
  }
}

const server = createServer(read);
const WAYS = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c'] as const;
const ports: number[] = [];
let haproxy: ReturnType<typeof spawn>;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const _ of WAYS) ports.push(await freePort());
  const sections = WAYS.map(
    (way, i) => `listen l${i}\n  bind 127.0.0.1:${ports[i]}\n  bind [::1]:${ports[i]}\n  server s ${target} ${way}\n`,
  );
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
${sections.join('')}backend checked
  server s ${target} check inter 50ms send-proxy-v2
`,
  );
  // Debian keeps it where only root's PATH looks.
  const env = { PATH: `${process.env['PATH']}:/usr/sbin` };
  haproxy = spawn('haproxy', ['-db', '-f', file], { env, stdio: 'ignore' });
  await arrival(({ source }) => source === 'the peer itself');
});

afterAll(async () => {
  const gone = once(haproxy, 'exit');
  haproxy.kill('SIGKILL');
  await gone;
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(WAYS.flatMap((way, i) => [[way, '127.0.0.1', i] as const, [way, '::1', i] as const]))(
  '%s names the client at %s',
  async (way, host, i) => {
    const client = connect({ host, port: ports[i] ?? 0 });
    client.on('error', () => {});
    await once(client, 'connect');
    const { localPort } = client;
    client.write(`hello by ${way}`);
    const arrived = await arrival(({ source }) => typeof source === 'object' && source.port === localPort);
    expect(arrived).toEqual({
      source: { address: host, port: localPort },
      rest: expect.stringMatching(/^(hello by .*)?$/),
    });
    client.destroy();
  },
);

test('its health check is of itself, and nothing it sends is bad', () => {
  expect(arrivals.filter(({ source }) => source === 'the peer itself').length).toBeGreaterThan(0);
  expect(arrivals.filter(({ source }) => source === 'bad')).toEqual([]);
});
