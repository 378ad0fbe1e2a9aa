import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { CertificateFiles } from '../support/certificates.ts';
import { describeFronts } from '../support/fronts.ts';
import type { TestFront } from '../support/gateway.ts';
import { messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { rawClient, rawTlsClient } from '../support/raw.ts';
import { startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const authority = createAuthority();
afterAll(() => authority[Symbol.dispose]());
const [acme, sensor, expired, nobody] = [
  authority.issue('DNS:x.test', 2, { subject: '/CN=acme-gateway' }),
  authority.issue('DNS:x.test', 2, { subject: '/CN=sensor-1' }),
  authority.issue('DNS:x.test', -1, { subject: '/CN=sensor-1' }),
  authority.issue('DNS:x.test', 2, { subject: '/O=Nobody' }),
];
const server = authority.issue('DNS:localhost');
const serverFiles = { TLS_CERT_FILE: server.certFile, TLS_KEY_FILE: server.keyFile };
/** As RFC 9440 writes it, by other means than the gateway's. */
const valueOfFile = ({ certFile }: CertificateFiles): string =>
  `:${readFileSync(certFile, 'latin1').replaceAll(/-----[^-]*-----|\s/g, '')}:`;
const field = (files: CertificateFiles): string => `Client-Cert: ${valueOfFile(files)}`;

const FILE = `
consumers:
  acme: { certificates: [{ subject_cn: acme-gateway }] }
authorities:
  fleet: { profile: iot }
routes:
  - { path: /a, upstream: o, authenticate: [certificate] }
  - { path: /open, upstream: o, authenticate: [certificate], anonymous: true }
  - { path: /told, upstream: o, authenticate: [certificate], forward_credentials: true }
  - { path: /nobody, upstream: o }`;

const PROXY = '127.0.0.2';
const start = (front?: TestFront, env: Readonly<Record<string, string>> = {}): Promise<Keyed> =>
  startKeyed(FILE, {
    ...(front && { front }),
    env: { TRUSTED_PROXIES: PROXY, CLIENT_CERT_HEADER: 'on', ...env },
  });

/** From the proxy, or from somebody else. */
const ask = (keyed: Keyed, path: string, fields: readonly string[]): Promise<Message> =>
  askFrom(PROXY, keyed, requestText('GET', path, fields));
const askAsClient = (keyed: Keyed, path: string, fields: readonly string[]): Promise<Message> =>
  askFrom('127.0.0.1', keyed, requestText('GET', path, fields));

async function askFrom(address: string, { port }: Keyed, text: string): Promise<Message> {
  using client = await rawClient(port, address);
  client.send(text);
  return await messageAt(client, 0);
}
const codeOf = (answer: Message): unknown =>
  statusOf(answer) === 200 ? 'ok' : (JSON.parse(answer.body) as { code: unknown }).code;
const lastRequest = ({ upstream }: Keyed): Message => upstream.requests.at(-1) as Message;
const lastId = (keyed: Keyed): string | undefined => valueOf(lastRequest(keyed), 'x-consumer-id');

describeFronts('Client-Cert', (front) => {
  test('of a trusted proxy names the consumer, request by request, and goes no further', async () => {
    await using keyed = await start(front);
    using proxy = await rawClient(keyed.port, PROXY);
    for (const [n, [files, id]] of (
      [
        [acme, 'acme'],
        [sensor, 'fleet~sensor-1'],
        [acme, 'acme'],
      ] as const
    ).entries()) {
      proxy.send(requestText('GET', '/a', [field(files), 'Client-Cert-Chain: :AAAA:', 'X-Forwarded-For: 192.0.2.1']));
      expect(codeOf(await messageAt(proxy, n))).toBe('ok');
      expect(lastId(keyed)).toBe(id);
      expect(lastRequest(keyed).raw).not.toMatch(/client-cert/i);
    }
    expect(codeOf(await ask(keyed, '/a', []))).toBe('credentials_missing');
    expect(codeOf(await ask(keyed, '/open', ['Client-Cert-Chain: :AAAA:']))).toBe('ok');
    expect([lastId(keyed), valuesOf(lastRequest(keyed), 'client-cert-chain')]).toEqual([undefined, []]);
    expect(codeOf(await ask(keyed, '/told', [field(sensor), 'Client-Cert-Chain: :AAAA:']))).toBe('ok');
    expect(valuesOf(lastRequest(keyed), 'client-cert')).toEqual([valueOfFile(sensor)]);
    expect(valuesOf(lastRequest(keyed), 'client-cert-chain')).toEqual([]);
  });

  test('of anybody else is dropped, whatever the route', async () => {
    await using keyed = await start(front);
    for (const fields of [[field(acme)], [field(acme), field(acme)], ['client_cert: x', 'Client-Cert: nonsense']]) {
      expect(codeOf(await askAsClient(keyed, '/a', fields))).toBe('credentials_missing');
      for (const path of ['/open', '/nobody']) {
        expect(codeOf(await askAsClient(keyed, path, [...fields, 'Client-Cert-Chain: :AAAA:']))).toBe('ok');
        expect(lastId(keyed)).toBeUndefined();
        expect(lastRequest(keyed).raw).not.toMatch(/client.cert/i);
      }
    }
  });

  test('that is malformed, repeated or taken off by Connection is 400: it is the fault of the proxy', async () => {
    await using keyed = await start(front);
    const pem = readFileSync(acme.certFile, 'latin1');
    for (const fields of [
      ['Client-Cert: '],
      ['Client-Cert: :AAAA:'],
      [`Client-Cert: ${encodeURIComponent(pem)}`],
      [`${field(acme)}, ${valueOfFile(acme)}`],
      [field(acme), field(acme)],
      [field(acme), field(sensor)],
      [field(acme), 'Connection: Client-Cert'],
    ]) {
      for (const path of ['/a', '/open']) {
        const answer = await ask(keyed, path, fields);
        expect([fields[0]?.slice(0, 30), path, statusOf(answer), codeOf(answer)]).toEqual([
          fields[0]?.slice(0, 30),
          path,
          400,
          'bad_request',
        ]);
      }
    }
    expect(keyed.upstream.requests).toEqual([]);
  });

  test('whose time is over is refused, though the proxy has let it in', async () => {
    await using keyed = await start(front);
    for (const path of ['/a', '/open']) {
      expect(codeOf(await ask(keyed, path, [field(expired)]))).toBe('credentials_invalid');
      expect(codeOf(await ask(keyed, path, [field(nobody)]))).toBe('credentials_invalid');
    }
    const logged = JSON.stringify(keyed.gateway.log);
    expect(logged).not.toContain(valueOfFile(nobody).slice(1, -1));
  });

  test('is a word of the proxy as any other where it is not asked for', async () => {
    await using keyed = await start(front, {
      CLIENT_CERT_HEADER: 'off',
      TLS_CLIENT_AUTH: 'optional',
      TLS_CLIENT_CA_FILE: authority.caFile,
      ...serverFiles,
    });
    const fromProxy = async (path: string): Promise<unknown> => {
      using client = await rawTlsClient(keyed.port, { localAddress: PROXY });
      client.send(requestText('GET', path, [field(acme)]));
      return codeOf(await messageAt(client, 0));
    };
    expect(await fromProxy('/a')).toBe('credentials_missing');
    expect(await fromProxy('/open')).toBe('ok');
    expect(valuesOf(lastRequest(keyed), 'client-cert')).toEqual([]);
    expect(await fromProxy('/nobody')).toBe('ok');
    expect(valuesOf(lastRequest(keyed), 'client-cert')).toEqual([valueOfFile(acme)]);
  });

  test('counts, and not the certificate that the proxy itself shows', async () => {
    await using keyed = await start(front, {
      TLS_CLIENT_AUTH: 'optional',
      TLS_CLIENT_CA_FILE: authority.caFile,
      ...serverFiles,
    });
    const from = async (localAddress: string, fields: readonly string[]): Promise<unknown> => {
      const own = { cert: readFileSync(acme.certFile), key: readFileSync(acme.keyFile) };
      using client = await rawTlsClient(keyed.port, { localAddress, ...own });
      client.send(requestText('GET', '/a', fields));
      return codeOf(await messageAt(client, 0));
    };
    expect(await from(PROXY, [])).toBe('credentials_missing');
    expect(await from(PROXY, [field(sensor)])).toBe('ok');
    expect(lastId(keyed)).toBe('fleet~sensor-1');
    expect(await from('127.0.0.1', [field(sensor)])).toBe('ok');
    expect(lastId(keyed)).toBe('acme');
  });
});
