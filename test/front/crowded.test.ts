import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { httpUpstream, scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { until, untilPasses } from '../support/wait.ts';
import { Client } from './setup.ts';

/* One address has as many connections as there may be, and none of them is idle: others are served all the same. */

const MOST = 12;
const env = { MAX_CONNECTIONS: String(MOST), WORKERS: '1', RATE_LIMIT_ALLOWLIST: '127.0.0.0/8' };
/** Linux takes any of 127/8 for its own. */
const ATTACKER = '127.0.0.2';
const OTHERS = '127.0.0.9';

let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await scriptedUpstream();
});
afterAll(() => upstream[Symbol.asyncDispose]());

/** More than fit, each of which says this and then waits. */
function fill({ port }: Gateway, says: (client: Client) => void): readonly Client[] {
  return Array.from({ length: 2 * MOST }, () => {
    const client = new Client(port, '127.0.0.1', ATTACKER);
    client.socket.once('connect', () => says(client));
    return client;
  });
}

const askOnce = async ({ port }: Gateway): Promise<string> => {
  const client = new Client(port, '127.0.0.1', OTHERS);
  await client.ask('proxy/ok');
  client.close();
  return client.text.slice(0, 12);
};

/** Sooner than any time-out would free a place. */
async function othersAreServed(gateway: Gateway): Promise<void> {
  for (let i = 0; i < MOST / 2; i++) {
    await untilPasses(async () => expect(await askOnce(gateway)).toBe('HTTP/1.1 200'), 10_000);
  }
}

const evicted = async ({ adminPort }: Gateway): Promise<number> => {
  const { body } = await get(adminPort, '/metrics');
  return Number(/^http_refused_total\{code="evicted"\} (\d+)$/m.exec(body)?.[1]);
};

test.each([
  [
    'announces a body and sends none',
    'POST /proxy/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
  ],
  ['sends a part of a body', 'POST /proxy/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf'],
  ['is refused, and stays', 'GET / HTTP/9.9\r\n\r\n'],
])('who %s makes room', async (_name, text) => {
  await using gateway = await startGateway({ env: { ...env, UPSTREAM_URL: upstream.url } });
  const all = fill(gateway, ({ socket }) => socket.write(text));
  await othersAreServed(gateway);
  for (const client of all) client.close();
});

test('who has sent his end, and is gone, makes room', async () => {
  upstream.onPath.set('/held', 'hold');
  await using gateway = await startGateway({ env: { ...env, HALF_CLOSE_SECONDS: '600', UPSTREAM_URL: upstream.url } });
  const all = fill(gateway, ({ socket }) => socket.end('GET /proxy/held HTTP/1.1\r\nHost: x\r\n\r\n'));
  await othersAreServed(gateway);
  expect(await evicted(gateway)).toBeGreaterThan(0);
  for (const client of all) client.close();
});

test('who does not shake hands makes room', async () => {
  using authority = createAuthority();
  const tls = authority.issue('IP:127.0.0.1');
  await using gateway = await startGateway({
    env: {
      ...env,
      TLS_CERT_FILE: tls.certFile,
      TLS_KEY_FILE: tls.keyFile,
      TLS_HANDSHAKE_TIMEOUT_SECONDS: '60',
      UPSTREAM_URL: upstream.url,
    },
  });
  const all = fill(gateway, ({ socket }) => socket.write('\x16\x03\x01'));
  await untilPasses(() => expect(all.filter(({ closed }) => closed)).toHaveLength(MOST));
  for (let i = 0; i < MOST / 2; i++) {
    const client = await new Client(gateway.port, '127.0.0.1', OTHERS).connected();
    client.socket.write('\x16\x03\x01');
    expect(client.closed).toBe(false);
  }
  await untilPasses(() => expect(all.filter(({ closed }) => closed).length).toBeGreaterThan(MOST));
  for (const client of all) client.close();
});

test('who sends his body all the time keeps his connection', async () => {
  let uploads = 0;
  await using sink = await httpUpstream((request) => {
    uploads++;
    request.resume();
  });
  await using gateway = await startGateway({
    env: { ...env, MAX_CONNECTIONS: '2', MAX_BODY_BYTES: '1000000000000', UPSTREAM_URL: sink.url },
  });
  const says = 'POST /proxy/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n';
  const busy = Array.from({ length: 2 }, () => new Client(gateway.port, '127.0.0.1', ATTACKER));
  const piece = Buffer.alloc(64 * 1024);
  for (const { socket } of busy) {
    const sendOn = (): void => {
      if (!socket.destroyed) socket.write(piece, () => setImmediate(sendOn));
    };
    socket.write(says);
    sendOn();
  }
  await until(() => uploads === 2);
  const fromMs = performance.now();
  while (performance.now() - fromMs < 3_000) expect(await askOnce(gateway)).toBe('HTTP/1.1 503');
  expect(busy.map(({ closed }) => closed)).toEqual([false, false]);
  for (const client of busy) client.close();
});
