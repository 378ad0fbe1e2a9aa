import { expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { aKey } from '../identity/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const REFUSED = { code: 1008, reason: 'credentials_invalid' };
const openAs = (gateway: Gateway, headers: Readonly<Record<string, string>>): Promise<Peer> =>
  open(`ws://127.0.0.1:${gateway.port}/ws`, { options: { headers } });
const answers = async (peer: Peer): Promise<void> => {
  const before = peer.seen.messages.length;
  peer.socket.send('still here');
  expect((await peer.got(before + 1)).at(-1)).toBe('still here');
};

test('a reload that knows an issuer no more, or takes tokens no more, ends the WebSockets of its tokens', async () => {
  const [key, other] = [await signingKey('k'), await signingKey('o')];
  await using issuer = await tokenIssuer(key);
  await using another = await tokenIssuer(other);
  await using upstream = await socketUpstream({ echo: true });
  const inFile = aKey();
  const issuerYaml = (iss: string, url: string): string => `{ issuer: "${iss}", audience: [api], jwks_url: "${url}" }`;
  const [main, side] = [
    `main: ${issuerYaml(CLAIMS.iss, issuer.url)}`,
    `side: ${issuerYaml('https://side.test/', another.url)}`,
  ];
  const yaml = (issuers: string, methods: string): string =>
    `upstreams: { o: { url: "${upstream.url}" } }\nissuers: { ${issuers} }\n` +
    `consumers: { ada: { keys: [${inFile.yaml}] } }\n` +
    `routes: [{ path: /, upstream: o, authenticate: [${methods}], websocket: {} }]`;
  await using gateway = await startGateway({
    yaml: yaml(`${main}, ${side}`, 'api_key, jwt'),
    env: { DRAIN_TIMEOUT_SECONDS: '1' },
  });
  const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
  const bearer = async (token: Promise<string>): Promise<Peer> =>
    openAs(gateway, { authorization: `Bearer ${await token}` });
  const ofMain = await bearer(signToken(key, { exp }));
  const ofSide = await bearer(signToken(other, { exp, claims: { iss: 'https://side.test/' } }));
  const ofKey = await openAs(gateway, { 'x-api-key': inFile.key });
  const reload = reloadsOf(gateway);

  await reload(yaml(main, 'api_key, jwt'));
  expect(await ofSide.ended()).toEqual(REFUSED);
  for (const peer of [ofMain, ofKey]) await answers(peer);
  await reload(yaml(main, 'api_key'));
  expect(await ofMain.ended()).toEqual(REFUSED);
  await answers(ofKey);
});

test('a route that asks who calls by now ends the WebSockets of those who never said', async () => {
  await using upstream = await socketUpstream({ echo: true });
  const yaml = (more: string): string =>
    `upstreams: { o: { url: "${upstream.url}" } }\nconsumers: { ada: { keys: [${aKey().yaml}] } }\n` +
    `routes: [{ path: /, upstream: o, ${more} websocket: {} }]`;
  await using gateway = await startGateway({ yaml: yaml(''), env: { DRAIN_TIMEOUT_SECONDS: '1' } });
  const peer = await openAs(gateway, {});
  const reload = reloadsOf(gateway);
  await reload(yaml('authenticate: [api_key], anonymous: true,'));
  await answers(peer);
  await reload(yaml('authenticate: [api_key],'));
  expect(await peer.ended()).toEqual({ code: 1008, reason: 'credentials_missing' });
});
