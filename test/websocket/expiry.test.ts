import { expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { consumerClient } from '../../src/shared/limits/client-key.ts';
import { aKey } from '../identity/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const openAs = (gateway: Gateway, headers: Readonly<Record<string, string>>): Promise<Peer> =>
  open(`ws://127.0.0.1:${gateway.port}/ws`, { options: { headers } });

test('a token that expires ends its WebSocket at both ends, and no other', async () => {
  const key = await signingKey('k');
  await using issuer = await tokenIssuer(key);
  await using upstream = await socketUpstream({ echo: true });
  await using gateway = await startGateway({
    env: { ACCESS_LOG: 'on', DRAIN_TIMEOUT_SECONDS: '1' },
    yaml:
      `upstreams: { o: { url: "${upstream.url}" } }\n` +
      `issuers: { main: { issuer: "${CLAIMS.iss}", audience: [api], jwks_url: "${issuer.url}", clock_skew_seconds: 0 } }\n` +
      'routes: [{ path: /, upstream: o, authenticate: [jwt], websocket: {} }]',
  });
  const openFor = async (seconds: number): Promise<{ readonly peer: Peer; readonly expMs: number }> => {
    const exp = Math.floor(wallClockMs() / 1_000) + seconds;
    return {
      peer: await openAs(gateway, { authorization: `Bearer ${await signToken(key, { exp })}` }),
      expMs: exp * 1_000,
    };
  };
  const long = await openFor(3_600);
  // A machine that is busy may need longer for a handshake than a short token lasts.
  const short = await openFor(3)
    .catch(() => openFor(10))
    .catch(() => openFor(60));
  const server = await upstream.peer(1);
  expect(await short.peer.ended()).toEqual({ code: 1008, reason: 'token_expired' });
  expect(wallClockMs()).toBeGreaterThanOrEqual(short.expMs);
  expect(await server.ended()).toEqual({ code: 1008, reason: 'token_expired' });
  const line = await gateway.waitForLog(({ outcome }) => outcome === 'websocket');
  expect(line).toMatchObject({ consumer: 'main~device-1', closed_by: 'gateway', close_code: 1008 });
  long.peer.socket.send('still here');
  expect(await long.peer.got(1)).toEqual(['still here']);
});

test('a consumer that a reload disables or keeps out loses his WebSockets, and one who is banned', async () => {
  await using upstream = await socketUpstream({ echo: true });
  const keys = { ada: aKey(), bob: aKey(), cyd: aKey(), dan: aKey() };
  const yaml = (ada: string, allow: string): string =>
    `upstreams: { o: { url: "${upstream.url}" } }\nconsumers:\n` +
    Object.entries(keys)
      .map(([name, { yaml: of }]) => `  ${name}: { keys: [${of}]${name === 'ada' ? ada : ''} }\n`)
      .join('') +
    `routes: [{ path: /, upstream: o, authenticate: [api_key], ${allow} websocket: {} }]`;
  await using gateway = await startGateway({
    env: { ACCESS_LOG: 'off', DRAIN_TIMEOUT_SECONDS: '1' },
    yaml: yaml('', ''),
  });
  const reload = reloadsOf(gateway);
  const peers = [];
  for (const { key } of Object.values(keys)) peers.push(await openAs(gateway, { 'x-api-key': key }));
  const [ada, bob, cyd, dan] = peers as [Peer, Peer, Peer, Peer];
  await reload(yaml(', disabled: true', 'allow: { consumers: [ada, cyd, dan] },'));
  expect(await ada.ended()).toEqual({ code: 1008, reason: 'credentials_invalid' });
  expect(await bob.ended()).toEqual({ code: 1008, reason: 'not_allowed' });
  const ban = await fetch(`${gateway.adminUrl}/admin/limits/${encodeURIComponent(consumerClient('cyd'))}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...gateway.bearer },
    body: JSON.stringify({ state: 'BANNED', for: 60 }),
  });
  expect([ban.status, await ban.text()]).toEqual([200, expect.any(String)]);
  expect(await cyd.ended()).toEqual({ code: 1008, reason: 'client_banned' });
  dan.socket.send('still here');
  expect(await dan.got(1)).toEqual(['still here']);
});
