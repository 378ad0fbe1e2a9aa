import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { CertificateFiles } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { open, socketUpstream } from './peers.ts';
import type { Peer } from './peers.ts';

const REFUSED = { code: 1008, reason: 'credentials_invalid' };
const [authority, other] = [createAuthority(), createAuthority()];
afterAll(() => {
  authority[Symbol.dispose]();
  other[Symbol.dispose]();
});
const server = authority.issue('DNS:localhost');
const named = (cn: string): CertificateFiles => authority.issue('DNS:x.test', 2, { subject: `/CN=${cn}` });
const fingerprintOf = ({ certFile }: CertificateFiles): string =>
  createHash('sha256')
    .update(new X509Certificate(readFileSync(certFile)).raw)
    .digest('hex');

const openAs = ({ port }: Gateway, { certFile, keyFile }: CertificateFiles): Promise<Peer> => {
  const shown = { cert: readFileSync(certFile), key: readFileSync(keyFile), rejectUnauthorized: false };
  return open(`wss://127.0.0.1:${port}/ws`, { options: shown });
};
const answers = async (peer: Peer): Promise<void> => {
  const before = peer.seen.messages.length;
  peer.socket.send('still here');
  expect((await peer.got(before + 1)).at(-1)).toBe('still here');
};
const envWith = (caFile: string): Readonly<Record<string, string>> => ({
  TLS_CERT_FILE: server.certFile,
  TLS_KEY_FILE: server.keyFile,
  TLS_CLIENT_AUTH: 'optional',
  TLS_CLIENT_CA_FILE: caFile,
  DRAIN_TIMEOUT_SECONDS: '1',
});

test('a certificate that a reload disables, takes out or gives to nobody ends its WebSockets, and no others', async () => {
  await using upstream = await socketUpstream({ echo: true });
  const [byPrint, byName, moved, device, kept] = [
    named('by-print'),
    named('by-name'),
    named('moved'),
    named('device'),
    named('kept'),
  ];
  const print = `{ fingerprint: "${fingerprintOf(byPrint)}" }`;
  const yaml = (consumers: string, rest = 'authorities: { fleet: { consumer: subject_cn } }'): string =>
    `upstreams: { o: { url: "${upstream.url}" } }\nconsumers: { ${consumers} }\n${rest}\n` +
    'routes: [{ path: /, upstream: o, authenticate: [certificate], websocket: {} }]';
  const two = 'kept: { certificates: [{ subject_cn: kept }] }, two: { certificates: [{ subject_cn: moved }] }';
  const named1 = 'named: { certificates: [{ subject_cn: by-name }] }';
  await using gateway = await startGateway({
    yaml: yaml(`${two}, print: { certificates: [${print}] }, ${named1}`),
    env: envWith(authority.caFile),
  });
  const [ofPrint, ofName, ofMoved, ofDevice, ofKept] = [
    await openAs(gateway, byPrint),
    await openAs(gateway, byName),
    await openAs(gateway, moved),
    await openAs(gateway, device),
    await openAs(gateway, kept),
  ];
  const reload = reloadsOf(gateway);

  const off = `print: { certificates: [${print.replace(' }', ', disabled: true }')}] }`;
  await reload(yaml(`${two}, ${off}, ${named1}`));
  expect(await ofPrint.ended()).toEqual(REFUSED);
  for (const peer of [ofName, ofMoved, ofDevice, ofKept]) await answers(peer);

  // Without its own consumer the authority's takes by-name; without that nobody is meant by it.
  await reload(yaml(two));
  for (const peer of [ofName, ofMoved, ofDevice, ofKept]) await answers(peer);
  const disabled = two.replace('two: {', 'two: { disabled: true,');
  await reload(yaml(disabled, ''));
  for (const peer of [ofName, ofMoved, ofDevice]) expect(await peer.ended()).toEqual(REFUSED);
  await answers(ofKept);
  await expect(openAs(gateway, device)).rejects.toThrow('401');
});

test('other authorities end the WebSockets of certificates in order, and leave those without one', async () => {
  const caFile = join(authority.caFile, '..', 'sockets.pem');
  writeFileSync(caFile, readFileSync(authority.caFile));
  await using upstream = await socketUpstream({ echo: true });
  const yaml =
    `upstreams: { o: { url: "${upstream.url}" } }\nauthorities: { fleet: { consumer: subject_cn } }\n` +
    'routes: [{ path: /, upstream: o, authenticate: [certificate], anonymous: true, websocket: {} }]';
  await using gateway = await startGateway({ yaml, env: envWith(caFile) });
  const peer = await openAs(gateway, named('device'));
  const anonymous = await open(`wss://127.0.0.1:${gateway.port}/ws`, { options: { rejectUnauthorized: false } });
  writeFileSync(caFile, readFileSync(other.caFile));
  await reloadsOf(gateway)(yaml);
  expect(await peer.ended()).toEqual(REFUSED);
  await answers(anonymous);
});
