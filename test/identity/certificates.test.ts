import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { CertificateFiles, CertificateMore } from '../support/certificates.ts';
import { describeFronts } from '../support/fronts.ts';
import type { TestFront } from '../support/gateway.ts';
import { messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { rawTlsClient } from '../support/raw.ts';
import { get } from '../support/requests.ts';
import { until } from '../support/wait.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const [authority, foreign] = [createAuthority(), createAuthority()];
afterAll(() => {
  authority[Symbol.dispose]();
  foreign[Symbol.dispose]();
});
const server = authority.issue('DNS:localhost');
const named = (cn: string, san = 'DNS:x.test', more: CertificateMore = {}): CertificateFiles =>
  authority.issue(san, 2, { subject: `/CN=${cn}`, ...more });
const [acme, other, sensor] = [named('acme-gateway'), named('other-gateway'), named('sensor-1')];
const shown = ({ certFile, keyFile }: CertificateFiles): ConnectionOptions => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
});

const { key, yaml: keyYaml } = aKey();
const FILE = `
consumers:
  acme: { profile: partner, groups: [b2b], certificates: [{ subject_cn: acme-gateway }], keys: [${keyYaml}] }
  other: { certificates: [{ subject_cn: other-gateway }] }
authorities:
  fleet: { consumer: subject_cn, profile: iot, groups: [devices] }
routes:
  - { path: /a, upstream: o, authenticate: [certificate] }
  - { path: /open, upstream: o, authenticate: [certificate], anonymous: true }
  - { path: /devices, upstream: o, authenticate: [certificate], allow: { groups: [devices] } }
  - { path: /both, upstream: o, authenticate: [api_key, certificate] }
  - { path: /told, upstream: o, authenticate: [certificate], forward_credentials: true }
  - { path: /nobody, upstream: o }`;

interface Setting {
  readonly front?: TestFront;
  readonly env?: Readonly<Record<string, string>>;
  readonly yaml?: string;
}

const start = ({ front, env = {}, yaml = FILE }: Setting = {}): Promise<Keyed> =>
  startKeyed(yaml, {
    ...(front && { front }),
    env: {
      TLS_CERT_FILE: server.certFile,
      TLS_KEY_FILE: server.keyFile,
      TLS_CLIENT_AUTH: 'optional',
      TLS_CLIENT_CA_FILE: authority.caFile,
      ...env,
    },
  });

/** One request on a connection of its own. */
async function ask(
  { port }: Pick<Keyed, 'port'>,
  path: string,
  options: ConnectionOptions & { readonly fields?: readonly string[] } = {},
): Promise<Message> {
  using client = await rawTlsClient(port, options);
  client.send(requestText('GET', path, options.fields));
  return await messageAt(client, 0);
}
/** The native front closes, uWebSockets.js says why first; in TLS 1.2 the client notices it in the handshake. */
const CLOSED = /closed without|disconnected|ECONNRESET|EPIPE|alert/;
const codeOf = (answer: Message): unknown =>
  statusOf(answer) === 200 ? 'ok' : (JSON.parse(answer.body) as { code: unknown }).code;
const lastId = ({ upstream }: Keyed): string | undefined =>
  valueOf(upstream.requests.at(-1) as Message, 'x-consumer-id');

describeFronts('certificates of clients', (front) => {
  test('name a consumer, or one of an authority, and the upstream hears of that and not of the certificate', async () => {
    await using keyed = await start({ front, env: { WORKERS: '2' } });
    const answer = await ask(keyed, '/a');
    expect([statusOf(answer), codeOf(answer)]).toEqual([401, 'credentials_missing']);
    expect(valueOf(answer, 'www-authenticate')).toBe('ClientCertificate realm="gateway"');
    expect(codeOf(await ask(keyed, '/open'))).toBe('ok');
    expect(lastId(keyed)).toBeUndefined();
    expect(codeOf(await ask(keyed, '/nobody', shown(acme)))).toBe('ok');
    expect(lastId(keyed)).toBeUndefined();

    for (const [files, path, code, id] of [
      [acme, '/a', 'ok', 'acme'],
      [other, '/open', 'ok', 'other'],
      [sensor, '/a', 'ok', 'fleet~sensor-1'],
      [sensor, '/devices', 'ok', 'fleet~sensor-1'],
      [acme, '/devices', 'not_allowed', 'fleet~sensor-1'],
    ] as const) {
      // The field of a client that nobody trusts is as if it were not there.
      const fields = ['Client-Cert: :AAAA:', 'client-cert-chain: :AAAA:', 'X-Consumer-Id: root'];
      expect(codeOf(await ask(keyed, path, { ...shown(files), fields }))).toBe(code);
      expect(lastId(keyed)).toBe(id);
    }
    const { raw } = keyed.upstream.requests.at(-1) as Message;
    expect(raw).toContain('x-consumer-profile: iot\r\nx-consumer-groups: devices\r\n');
    for (const each of keyed.upstream.requests) expect(each.raw).not.toMatch(/client-cert/i);

    await keyed.gateway.waitForLog(({ msg, consumer }) => msg === 'exchange' && consumer === 'fleet~sensor-1');
    const metrics = (await get(keyed.gateway.adminPort, '/metrics')).body;
    expect(metrics).toContain('auth_decisions_total{route="a",method="certificate",outcome="granted"} 2\n');
    expect(metrics).toContain('auth_decisions_total{route="a",method="none",outcome="credentials_missing"} 1\n');
    expect(metrics).toContain('auth_decisions_total{route="devices",method="certificate",outcome="not_allowed"} 1\n');
  });

  test('of another authority, or whose time is over, end in the handshake', async () => {
    await using keyed = await start({ front });
    const wrong = [
      foreign.issue('DNS:x.test', 2, { subject: '/CN=acme-gateway' }),
      authority.issue('DNS:x.test', -1, { subject: '/CN=acme-gateway' }),
    ];
    for (const files of wrong) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await expect(ask(keyed, '/open', { ...shown(files), maxVersion })).rejects.toThrow(CLOSED);
      }
    }
    expect(keyed.upstream.requests).toEqual([]);
    expect(codeOf(await ask(keyed, '/a', shown(acme)))).toBe('ok');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('are known after a session of %s was taken up again', async (version) => {
    await using keyed = await start({ front });
    const only = { minVersion: version, maxVersion: version, ...shown(sensor) };
    const once = async (session?: Buffer): Promise<[Buffer | undefined, boolean]> => {
      using client = await rawTlsClient(keyed.port, { ...only, ...(session && { session }) });
      let newest: Buffer | undefined;
      client.socket.on('session', (given) => (newest = given));
      client.send(requestText('GET', '/a'));
      expect(codeOf(await messageAt(client, 0))).toBe('ok');
      if (version === 'TLSv1.3') await until(() => newest !== undefined);
      return [newest ?? client.socket.getSession(), client.socket.isSessionReused()];
    };
    const [session] = await once();
    const [, resumed] = await once(session);
    expect(resumed).toBe(true);
    expect(keyed.upstream.requests.map((each) => valueOf(each, 'x-consumer-id'))).toEqual(
      Array.from({ length: 2 }, () => 'fleet~sensor-1'),
    );
  });

  test('belong to their connection, for all of its requests', async () => {
    await using keyed = await start({ front });
    using one = await rawTlsClient(keyed.port, shown(acme));
    using another = await rawTlsClient(keyed.port, shown(other));
    for (let n = 0; n < 3; n++) {
      for (const client of [one, another]) {
        client.send(requestText('GET', `/a/${n}`));
        expect(codeOf(await messageAt(client, n))).toBe('ok');
      }
    }
    expect(keyed.upstream.requests.map((each) => valueOf(each, 'x-consumer-id'))).toEqual(
      Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'acme' : 'other')),
    );
  });

  test('of a consumer that a reload disables are refused at once, on connections that are open too', async () => {
    await using keyed = await start({ front });
    using client = await rawTlsClient(keyed.port, shown(acme));
    using device = await rawTlsClient(keyed.port, shown(sensor));
    const both = async (n: number): Promise<unknown[]> => {
      const codes = [];
      for (const each of [client, device]) {
        each.send(requestText('GET', '/a'));
        codes.push(codeOf(await messageAt(each, n)));
      }
      return codes;
    };
    expect(await both(0)).toEqual(['ok', 'ok']);
    await keyed.reload(
      FILE.replace('profile: partner', 'disabled: true').replace(
        'other:',
        '"fleet~sensor-1": { disabled: true }\n  other:',
      ),
    );
    expect(await both(1)).toEqual(['credentials_invalid', 'credentials_invalid']);
    await keyed.reload(FILE);
    expect(await both(2)).toEqual(['ok', 'ok']);
  });

  test('and a key: both must be good, and the first on the list names the consumer', async () => {
    await using keyed = await start({ front });
    const withKey = { fields: [`X-Api-Key: ${key}`] };
    for (const files of [other, sensor]) {
      expect(codeOf(await ask(keyed, '/both', { ...shown(files), ...withKey }))).toBe('ok');
      expect(lastId(keyed)).toBe('acme');
    }
    expect(codeOf(await ask(keyed, '/both', shown(other)))).toBe('ok');
    expect(lastId(keyed)).toBe('other');
    await keyed.reload(FILE.replace(/authorities:\n.*\n/, ''));
    expect(codeOf(await ask(keyed, '/both', { ...shown(sensor), ...withKey }))).toBe('credentials_invalid');
  });

  test('reach an upstream that is to have them as RFC 9440 writes them', async () => {
    await using keyed = await start({ front });
    const fields = ['Client-Cert: :AAAA:', 'Client-Cert-Chain: :AAAA:'];
    expect(codeOf(await ask(keyed, '/told', { ...shown(sensor), fields }))).toBe('ok');
    const pem = readFileSync(sensor.certFile, 'latin1');
    const base64 = pem.replaceAll(/-----[^-]*-----|\s/g, '');
    expect(valuesOf(keyed.upstream.requests.at(-1) as Message, 'client-cert')).toEqual([`:${base64}:`]);
    expect(keyed.upstream.requests.at(-1)?.raw).not.toMatch(/client-cert-chain/i);
  });

  test('are judged by another file of authorities after a reload, whoever is connected', async () => {
    const caFile = join(authority.caFile, '..', `trusted-${front}.pem`);
    const trust = (...files: string[]): void => writeFileSync(caFile, files.map((each) => readFileSync(each)).join(''));
    trust(authority.caFile);
    await using keyed = await start({ front, env: { TLS_CLIENT_CA_FILE: caFile } });
    const late = foreign.issue('DNS:x.test', 2, { subject: '/CN=late' });
    using client = await rawTlsClient(keyed.port, shown(sensor));
    client.send(requestText('GET', '/a'));
    expect(codeOf(await messageAt(client, 0))).toBe('ok');
    await expect(ask(keyed, '/a', shown(late))).rejects.toThrow(CLOSED);
    trust(foreign.caFile);
    await keyed.reload(FILE);
    expect(codeOf(await ask(keyed, '/a', shown(late)))).toBe('ok');
    await expect(ask(keyed, '/a', shown(sensor))).rejects.toThrow(CLOSED);
    await client.closed();
  });
});

describeFronts('beyond the budget of wrong credentials', (front) => {
  test('good certificates pass, and those of nobody get 429', async () => {
    const yaml = FILE.replace(/authorities:\n.*\n/, '');
    const env = { AUTH_FAILURE_CAPACITY: '2', AUTH_FAILURE_REFILL_RATE: '0.001', WORKERS: '1' };
    await using keyed = await start({ front, env, yaml });
    const nobodys = Array.from({ length: 8 }, (_, i) => named(`nobody-${i}`));
    const codes = [];
    for (const files of nobodys) codes.push(codeOf(await ask(keyed, '/a', shown(files))));
    expect(codes.slice(0, 2)).toEqual(['credentials_invalid', 'credentials_invalid']);
    expect(codes).toContain('too_many_failures');
    expect(codeOf(await ask(keyed, '/a', shown(acme)))).toBe('ok');
    const { log } = keyed.gateway;
    await until(() => log.some(({ msg }) => String(msg).includes('no consumer and no authority is meant by it')));
  });
});

test.each(['native', 'public'] as const)(
  'with another file of authorities what is under way is answered, and no more (%s)',
  async (front) => {
    const caFile = join(authority.caFile, '..', `busy-${front}.pem`);
    writeFileSync(caFile, readFileSync(authority.caFile));
    await using keyed = await start({ front, env: { TLS_CLIENT_CA_FILE: caFile } });
    using busy = await rawTlsClient(keyed.port, shown(sensor));
    using beginning = await rawTlsClient(keyed.port, shown(acme));
    keyed.hold();
    busy.send(requestText('GET', '/a'));
    await until(() => keyed.upstream.requests.length === 1);
    beginning.send('GET /a HTTP/1.1\r\n');
    writeFileSync(caFile, readFileSync(foreign.caFile));
    await keyed.reload(FILE);
    busy.send(requestText('GET', '/a'));
    keyed.release();
    const all = await busy.closed();
    expect(all.match(/^HTTP.*/gm)).toEqual(['HTTP/1.1 200 OK']);
    expect(all).toContain('\r\nconnection: close\r\n');
    expect(await beginning.closed()).toBe('');
    expect(keyed.upstream.requests).toHaveLength(1);
  },
);

test('requests that come together are all of the one who sends them', async () => {
  await using keyed = await start({ front: 'native' });
  using client = await rawTlsClient(keyed.port, shown(acme));
  client.send(['/a/1', '/open', '/nobody', '/a/2'].map((path) => requestText('GET', path)).join(''));
  for (let n = 0; n < 4; n++) expect(codeOf(await messageAt(client, n))).toBe('ok');
  const seen = keyed.upstream.requests.map((each) => [each.startLine.split(' ')[1], valueOf(each, 'x-consumer-id')]);
  expect(seen.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual([
    ['/a/1', 'acme'],
    ['/a/2', 'acme'],
    ['/nobody', undefined],
    ['/open', 'acme'],
  ]);
});
