import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPair, type Pair } from '../support/pair.ts';
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
    const ended = (): number => pair.gateway.log.filter((line) => line['msg'] === 'request thread ended').length;
    await pair.gateway.waitForLog(() => ended() === 2);
    load.running = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    names.delete(''); // of a connection that was closed by the time it was asked
    expect([...names].toSorted()).toEqual(['first', 'second']);
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
