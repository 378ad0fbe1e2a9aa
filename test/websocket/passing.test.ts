import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway, TestFront } from '../support/gateway.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const wsUrl = ({ port }: Gateway, path = '/proxy/ws'): string => `ws://127.0.0.1:${port}${path}`;

/** Messages that differ in what matters on the way: kind, size, and how they are sent. */
const MESSAGES: readonly (string | Buffer)[] = [
  'text',
  '',
  Buffer.alloc(0),
  'ä€😀'.repeat(100),
  randomBytes(125),
  randomBytes(126),
  randomBytes(12_000),
  randomBytes(65_535),
  randomBytes(65_536),
  randomBytes(300_000),
  'a'.repeat(1_000_000),
];

async function echoes(peer: Peer): Promise<void> {
  for (const message of MESSAGES) peer.socket.send(message);
  // A message in fragments, with a ping between them.
  peer.socket.send('one ', { fin: false });
  peer.socket.ping('between');
  peer.socket.send('', { fin: false });
  peer.socket.send('two', { fin: true });
  const got = await peer.got(MESSAGES.length + 1);
  for (const [i, message] of MESSAGES.entries()) {
    const same = typeof message === 'string' ? got[i] === message : message.equals(got[i] as Buffer);
    expect(`${i} ${same}`).toBe(`${i} true`);
  }
  expect(got.at(-1)).toBe('one two');
  expect(peer.seen.pongs).toEqual(['between']);
  peer.socket.close(4001, 'done');
  expect(await peer.ended()).toEqual({ code: 4001, reason: 'done' });
}

const FRONTS: readonly TestFront[] = ['native', 'public'];

describe.each(FRONTS)('through the gateway (%s)', (front) => {
  test('every kind of message comes back as it was', async () => {
    await using upstream = await socketUpstream({ echo: true });
    await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
    const peer = await open(wsUrl(gateway));
    await echoes(peer);
    expect(await (await upstream.peer(0)).ended()).toEqual({ code: 4001, reason: 'done' });
    expect(upstream.requests[0]?.url).toBe('/ws');
  });

  test('and compressed', async () => {
    await using upstream = await socketUpstream({ echo: true, perMessageDeflate: { threshold: 0 } });
    await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
    const peer = await open(wsUrl(gateway), { options: { perMessageDeflate: { threshold: 0 } } });
    expect(peer.socket.extensions).toContain('permessage-deflate');
    await echoes(peer);
  });

  test('and over TLS on both sides', async () => {
    using authority = createAuthority();
    const tls = authority.issue('IP:127.0.0.1');
    await using upstream = await socketUpstream({ echo: true, tls });
    await using gateway = await startGateway({
      front,
      env: { TLS_CERT_FILE: tls.certFile, TLS_KEY_FILE: tls.keyFile },
      yaml:
        `upstreams: { o: { url: "${upstream.url}", tls: { ca_file: ${authority.caFile} } } }\n` +
        'routes: [{ path: /, upstream: o, websocket: {} }]',
    });
    const peer = await open(`wss://127.0.0.1:${gateway.port}/ws`, { options: { rejectUnauthorized: false } });
    await echoes(peer);
  });
});
