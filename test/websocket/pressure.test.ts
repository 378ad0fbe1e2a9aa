import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesOf } from '../../src/workers/gateway/websocket/frames.fixture.ts';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { quietFor, until } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';
import { pair, rawSocketUpstream } from './raw-peers.ts';

const MIB = 1024 * 1024;
const MESSAGES = 400;
const MESSAGE = randomBytes(200_000);

const residentBytes = (gateway: Gateway): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) * 1024;

/** Sends 80 MB from one to the other, which does not read for a while. */
async function floods(gateway: Gateway, sender: Peer, reader: Peer): Promise<void> {
  const hash = createHash('sha256');
  const wanted = createHash('sha256');
  let count = 0;
  reader.socket.removeAllListeners('message');
  reader.socket.on('message', (data: Buffer) => {
    hash.update(data);
    count++;
  });
  reader.socket.pause();
  const before = residentBytes(gateway);
  for (let i = 0; i < MESSAGES; i++) {
    const message = Buffer.from(MESSAGE);
    message.writeUInt32BE(i);
    wanted.update(message);
    sender.socket.send(message);
  }
  let left = -1;
  await until(async () => {
    const last = left;
    left = sender.socket.bufferedAmount;
    await quietFor(100, 'whether the sender still gets rid of something');
    return left === last;
  });
  // All that is not in buffers of the kernel still waits at the sender.
  expect(left).toBeGreaterThan(20 * MIB);
  expect(residentBytes(gateway) - before).toBeLessThan(25 * MIB);
  reader.socket.resume();
  await until(() => count === MESSAGES, { describe: () => [count, reader.seen, sender.seen.closed] });
  expect(hash.digest('hex')).toBe(wanted.digest('hex'));
}

test.each(['client', 'upstream'] as const)(
  'a %s that does not read stops the other, and gets all of it later',
  async (slow) => {
    await using upstream = await socketUpstream();
    await using gateway = await startGateway({ env: { UPSTREAM_URL: upstream.url } });
    const client = await open(`ws://127.0.0.1:${gateway.port}/proxy/ws`);
    const server = await upstream.peer(0);
    if (slow === 'client') await floods(gateway, server, client);
    else await floods(gateway, client, server);
  },
);

test.each(['client', 'upstream'] as const)('the same over TLS: %s', async (slow) => {
  using authority = createAuthority();
  const tls = authority.issue('IP:127.0.0.1');
  await using upstream = await socketUpstream({ tls });
  await using gateway = await startGateway({
    env: { TLS_CERT_FILE: tls.certFile, TLS_KEY_FILE: tls.keyFile },
    yaml:
      `upstreams: { o: { url: "${upstream.url}", tls: { ca_file: ${authority.caFile} } } }\n` +
      'routes: [{ path: /, upstream: o, websocket: {} }]',
  });
  const client = await open(`wss://127.0.0.1:${gateway.port}/ws`, { options: { rejectUnauthorized: false } });
  const server = await upstream.peer(0);
  if (slow === 'client') await floods(gateway, server, client);
  else await floods(gateway, client, server);
});

test('frames arrive as they were sent when each byte comes alone', async () => {
  await using upstream = await rawSocketUpstream();
  await using gateway = await startGateway({ env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` } });
  await using both = await pair(gateway, upstream);
  const frames = (mask: Buffer | undefined): Buffer =>
    Buffer.concat(
      [0, 3, 126, 300].flatMap((size) => [
        bytesOf({ opcode: 2, payload: Buffer.alloc(size, size), fin: false, mask }),
        bytesOf({ opcode: 9, payload: Buffer.from('between'), mask }),
        bytesOf({ opcode: 0, payload: Buffer.alloc(2), mask }),
      ]),
    );
  for (const [from, to, bytes] of [
    [both.client, both.upstream, frames(Buffer.from([1, 2, 3, 4]))],
    [both.upstream, both.client, frames(undefined)],
  ] as const) {
    from.connection.socket.setNoDelay(true);
    for (const [i] of bytes.entries()) {
      from.send(bytes.subarray(i, i + 1));
      await new Promise(setImmediate);
    }
    expect(await to.got(bytes.length)).toEqual(bytes);
  }
});
