import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { CertificateFiles, TestAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, messageAt, recordingUpstream, requestText, statusOf, valueOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { get as call } from '../support/requests.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

async function startHttps({ certFile, keyFile }: CertificateFiles, caFile?: string): Promise<Server> {
  const its = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  const asks = caFile === undefined ? {} : { requestCert: true, ca: readFileSync(caFile) };
  const server = createServer({ ...its, ...asks }, (req, res) => {
    const hash = createHash('sha256');
    req.on('data', (piece: Buffer) => hash.update(piece));
    req.on('end', () => {
      const socket = req.socket as TLSSocket;
      const { servername } = socket as unknown as { servername: string | false };
      res.setHeader('x-sni', String(servername));
      res.setHeader('x-host', String(req.headers.host));
      res.setHeader('x-alpn', String(socket.alpnProtocol));
      res.setHeader('x-client-port', String(socket.remotePort));
      res.end(req.url === '/sha' ? hash.digest('hex') : 'x'.repeat(300_000));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

let authority: TestAuthority;
let stranger: TestAuthority;
let named: Server;
let byAddress: Server;
let foreign: Server;
let local: Server;
let expired: Server;
let asking: Server;
let plain: RecordingUpstream;
let gateway: Gateway;
beforeAll(async () => {
  authority = createAuthority();
  stranger = createAuthority();
  [named, byAddress, foreign, local, expired, asking] = await Promise.all([
    startHttps(authority.issue('DNS:service.test')),
    startHttps(authority.issue('IP:127.0.0.1')),
    startHttps(stranger.issue('IP:127.0.0.1')),
    startHttps(authority.issue('DNS:localhost')),
    startHttps(authority.issue('IP:127.0.0.1', -1)),
    startHttps(authority.issue('IP:127.0.0.1'), authority.caFile),
  ]);
  plain = await recordingUpstream(() => '');
  const tls = (more: string) => `tls: { ca_file: "${authority.caFile}"${more} }`;
  gateway = await startGateway({
    env: FORWARDING_ONLY,
    yaml: `
upstreams:
  address: { url: "https://127.0.0.1:${portOf(byAddress)}", ${tls('')} }
  named: { url: "https://127.0.0.1:${portOf(named)}", ${tls(', server_name: service.test')} }
  misnamed: { url: "https://127.0.0.1:${portOf(named)}", ${tls('')} }
  foreign: { url: "https://127.0.0.1:${portOf(foreign)}", ${tls('')} }
  unchecked: { url: "https://127.0.0.1:${portOf(foreign)}", tls: { verify: false } }
  system: { url: "https://127.0.0.1:${portOf(byAddress)}" }
  dotted: { url: "https://localhost.:${portOf(local)}", ${tls('')} }
  expired: { url: "https://127.0.0.1:${portOf(expired)}", ${tls('')} }
  asking: { url: "https://127.0.0.1:${portOf(asking)}", ${tls('')} }
  plain: { url: "https://127.0.0.1:${plain.port}", ${tls('')} }
routes:
${['address', 'named', 'misnamed', 'foreign', 'unchecked', 'system', 'dotted', 'expired', 'asking', 'plain'].map((name) => `  - { path: /${name}, upstream: ${name}, strip_prefix: true }`).join('\n')}
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const server of [named, byAddress, foreign, local, expired, asking]) server.close();
  await plain[Symbol.asyncDispose]();
  for (const each of [authority, stranger]) each[Symbol.dispose]();
});

const get = (target: string) => ask(gateway.port, requestText('GET', target));

describe('https upstreams', () => {
  it('a certificate of the upstream’s own authority is good; the connection is kept; no name is sent for an address', async () => {
    const answers = [await get('/address/'), await get('/address/')];
    expect(answers.map((answer) => [statusOf(answer), answer.body.length])).toEqual([
      [200, 300_000],
      [200, 300_000],
    ]);
    const [first, second] = answers;
    expect(first && second && valueOf(first, 'x-client-port') === valueOf(second, 'x-client-port')).toBe(true);
    expect(first && [valueOf(first, 'x-sni'), valueOf(first, 'x-alpn')]).toEqual(['false', 'http/1.1']);
  });

  it('server_name is asked for and checked', async () => {
    const answer = await get('/named/');
    expect([statusOf(answer), valueOf(answer, 'x-sni')]).toEqual([200, 'service.test']);
  });

  it('a name with a dot at the end stands without it in SNI, in Host and in what the certificate is checked for', async () => {
    const answer = await get('/dotted/');
    expect([statusOf(answer), valueOf(answer, 'x-sni'), valueOf(answer, 'x-host')]).toEqual([
      200,
      'localhost',
      `localhost:${portOf(local)}`,
    ]);
  });

  it('a body of 3 MB goes up byte for byte', async () => {
    const body = Buffer.alloc(3_000_000, 'gateway');
    using client = await rawClient(gateway.port);
    client.send(requestText('POST', '/address/sha', [`Content-Length: ${body.length}`]));
    client.send(body);
    expect((await messageAt(client, 0)).body).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it.each([
    ['a certificate for another name', '/misnamed/'],
    ['a certificate of another authority', '/foreign/'],
    ['an authority the system does not know', '/system/'],
    ['an upstream that asks for a certificate of ours, and says so once the handshake is done', '/asking/'],
  ])('%s: 502 upstream_tls_failed, and nothing of why', async (_name, target) => {
    const answer = await get(target);
    expect(statusOf(answer)).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_tls_failed' });
    expect(answer.body).not.toMatch(/127\.0\.0\.1|altname|self.signed|CERT_/i);
  });

  it.each([
    ['expired', /^certificate has expired \(CERT_HAS_EXPIRED\)$/],
    ['foreign', /^unable to verify the first certificate.* \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/],
    ['misnamed', /is not in the cert's .*\(ERR_TLS_CERT_ALTNAME_INVALID\)$/],
    ['asking', /^tlsv13 alert certificate required \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)$/],
  ])('why it failed is in the log and in the status: %s', async (upstream, why) => {
    expect(statusOf(await get(`/${upstream}/`))).toBe(502);
    const line = await gateway.waitForLog((each) => each['upstream'] === upstream && each['level'] === 'warn');
    expect(line).toMatchObject({ code: 'upstream_tls_failed', reason: expect.stringMatching(why) as string });
    const { body } = await call(gateway.adminPort, '/admin/status');
    const status = JSON.parse(body) as { reasons: string[]; unreachable: { upstream: string; reason: string }[] };
    const { target, reason } = line as { target: string; reason: string };
    expect(status.reasons).toContain(`upstream ${upstream} cannot be connected to: ${target}: ${reason}`);
    expect(status.unreachable).toContainEqual({ upstream, target, code: 'upstream_tls_failed', reason });
  });

  it('one that asks for a certificate is out of reach until it has answered, and not with each connection anew', async () => {
    for (let i = 0; i < 5; i++) expect(statusOf(await get('/asking/'))).toBe(502);
    expect(gateway.log.filter((line) => line['upstream'] === 'asking' && line['level'] === 'warn')).toHaveLength(1);
    expect(gateway.log.filter((line) => String(line['msg']).startsWith('connections to an upstream come'))).toEqual([]);
  });

  it('verify: false takes any certificate', async () => {
    expect(statusOf(await get('/unchecked/'))).toBe(200);
  });

  it('an upstream that speaks no TLS: 502, and it never sees the request', async () => {
    const asked = get('/plain/');
    const connection = await plain.connection(0);
    await connection.when((text) => text.length > 0);
    connection.send('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    const answer = await asked;
    expect(statusOf(answer)).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_tls_failed' });
    expect(connection.received()).not.toContain('HTTP/1.1');
  });
});
