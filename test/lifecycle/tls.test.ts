import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { valueOf } from '../support/http.ts';
import { exitOf, runToEnd } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const certFile = join(folder, 'cert.pem');
const keyFile = join(folder, 'key.pem');

/** Writes a new key and certificate over the old ones. */
function issue(name: string): void {
  execFileSync(
    'openssl',
    [
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile],
    ].flat(),
    { stdio: 'ignore' },
  );
}

interface SecureReply {
  readonly status: number;
  /** Common name of the certificate the gateway showed. */
  readonly name: string;
}

const get = (port: number, path: string, agent: Agent | false = false): Promise<SecureReply> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent, rejectUnauthorized: false };
    const req = request(options, (res) => {
      const { subject } = (res.socket as TLSSocket).getPeerX509Certificate() ?? { subject: '' };
      res.resume().on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          name: subject.replace('CN=', ''),
        }),
      );
      res.on('error', reject);
    });
    req.on('error', reject).end();
  });

describe('https on the data port', () => {
  let pair: Pair;
  beforeAll(async () => {
    issue('first');
    pair = await startPair({ env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, WORKERS: '2' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it('serves, and tells the upstream that the client came by https', async () => {
    expect(await get(pair.port, '/proxy/secure')).toEqual({ status: 200, name: 'first' });
    const [request] = pair.requestsFor('/secure');
    expect(request && valueOf(request, 'x-forwarded-proto')).toBe('https');
    expect(pair.gateway.log.find((line) => line['msg'] === 'gateway ready')).toMatchObject({
      url: `https://127.0.0.1:${pair.port}`,
    });
  });

  it('does not answer plain http', async () => {
    using plain = await rawClient(pair.port);
    plain.send('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await plain.closed()).not.toContain('200 OK');
  });

  it('takes up a renewed certificate on SIGHUP, and loses no request meanwhile', async () => {
    const load = { running: true };
    const failures: unknown[] = [];
    const names = new Set<string>();
    const client = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
      while (load.running) {
        try {
          const { status, name } = await get(pair.port, '/proxy/ok', agent);
          names.add(name);
          if (status !== 200) failures.push(status);
        } catch (error) {
          failures.push(error);
        }
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      agent.destroy();
    };
    const clients = [client(), client(), client(), client()];
    expect((await get(pair.port, '/health')).name).toBe('first');
    issue('second');
    pair.gateway.process.kill('SIGHUP');
    const applied = await pair.gateway.waitForLog((line) => line['msg'] === 'configuration applied');
    expect(applied).toMatchObject({ complete: true });
    const after = await Promise.all([1, 2, 3, 4].map(() => get(pair.port, '/health')));
    expect(after.map(({ name }) => name)).toEqual(['second', 'second', 'second', 'second']);
    load.running = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    names.delete(''); // of a connection that was closed by the time it was asked
    expect([...names].filter((name) => !['first', 'second'].includes(name))).toEqual([]);
  });

  it('keeps the old certificate when the new one is no good', async () => {
    writeFileSync(certFile, 'not a certificate');
    pair.gateway.process.kill('SIGHUP');
    const refused = await pair.gateway.waitForLog((line) => String(line['msg']).includes('refused'));
    expect(JSON.stringify(refused)).toContain('TLS_CERT_FILE');
    expect((await get(pair.port, '/health')).status).toBe(200);
  });

  it('ends with 0, as without TLS', async () => {
    pair.gateway.process.kill('SIGTERM');
    expect(await exitOf(pair.gateway.process)).toBe(0);
  });
});

describe('several certificates, and which ciphers', () => {
  const authority = createAuthority();
  afterAll(() => authority[Symbol.dispose]());
  const files = ['DNS:a.test', 'DNS:b.test', 'DNS:*.c.test,DNS:b.test'].map((names) => authority.issue(names));
  const tls = {
    TLS_CERT_FILE: files.map(({ certFile }) => certFile).join(),
    TLS_KEY_FILE: files.map(({ keyFile }) => keyFile).join(),
  };

  /** Common name and cipher that a client with this server name gets; the error's code when it gets none. */
  const shown = (port: number, options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
      socket.on('secureConnect', () => {
        const name = socket.getPeerX509Certificate()?.subject.replace('CN=', '');
        resolve(`${name} ${socket.getProtocol()} ${socket.getCipher().standardName}`);
        socket.destroy();
      });
      socket.on('error', (error) => resolve(error.message));
    });

  it('each name gets its certificate, and the routes work under all', async () => {
    await using pair = await startPair({ env: { ...tls, WORKERS: '1' } });
    const names = [undefined, 'a.test', 'nobody.test', 'b.test', 'x.c.test', 'x.y.c.test', 'c.test'];
    const seen = await Promise.all(
      names.map((servername) => shown(pair.port, servername === undefined ? {} : { servername })),
    );
    expect(seen.map((text) => text.split(' ')[0])).toEqual([
      'leaf0',
      'leaf0',
      'leaf0',
      'leaf1',
      'leaf2',
      'leaf0',
      'leaf0',
    ]);
    for (const servername of ['a.test', 'b.test', 'x.c.test']) {
      const agent = new Agent({ servername });
      expect((await get(pair.port, '/proxy/ok', agent)).status).toBe(200);
    }
  });

  it('only the ciphers that are set, and those of TLS 1.3', async () => {
    const env = { ...tls, TLS_CIPHERS: 'ECDHE-ECDSA-AES256-GCM-SHA384', WORKERS: '1' };
    await using pair = await startPair({ env });
    const { port } = pair;
    expect(await shown(port, { maxVersion: 'TLSv1.2' })).toBe('leaf0 TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    expect(await shown(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toMatch(/handshake/);
    expect(await shown(port, {})).toMatch(/^leaf0 TLSv1.3 TLS_AES/);
    expect(await shown(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })).toMatch(
      /alert/,
    );
  });

  it('by default none that lets the past be read, or that is not authenticated', async () => {
    await using pair = await startPair({ env: { ...tls, WORKERS: '1' } });
    const offer = (ciphers: string): Promise<string> => shown(pair.port, { maxVersion: 'TLSv1.2', ciphers });
    expect(await offer('ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA')).toMatch(/handshake/);
    expect(await offer('ECDHE-ECDSA-CHACHA20-POLY1305')).toMatch(/^leaf0/);
  });
});

it('a key that is not the certificate’s: 78', async () => {
  issue('one');
  const other = join(folder, 'other.pem');
  execFileSync('openssl', ['genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-out', other], {
    stdio: 'ignore',
  });
  const env = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: other, UPSTREAM_URL: 'http://127.0.0.1:1' };
  const { code, stderr } = await runToEnd({ entry: 'front' }, env);
  expect(code).toBe(78);
  expect(stderr).toContain('TLS_KEY_FILE');
});
