import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import type { TlsMaterial } from '../../src/shared/tls/material.ts';
import { createAuthority } from '../support/certificates.ts';
import type { CertificateFiles } from '../support/certificates.ts';
import { secureClient, startTlsThread, TLS } from './tls-thread.ts';
import type { TlsThread } from './tls-thread.ts';

const [authority, foreign] = [createAuthority(), createAuthority()];
const intermediate = authority.subordinate('middle');
afterAll(() => {
  authority[Symbol.dispose]();
  foreign[Symbol.dispose]();
});
const read = (file: string): string => readFileSync(file, 'utf8');
const shown = ({ certFile, keyFile }: CertificateFiles, ...chain: string[]): ConnectionOptions => ({
  cert: read(certFile) + chain.map(read).join(''),
  key: read(keyFile),
});

const certificates = ['a.test', 'b.test'].map((name) => {
  const { certFile, keyFile } = authority.issue(`DNS:${name}`, 2, { subject: `/CN=${name}` });
  return { certificate: read(certFile), key: read(keyFile) };
});
const ticketKeys = [randomBytes(48)];
const trusting = (...files: string[]): TlsMaterial => ({
  certificates,
  ticketKeys,
  clientCa: files.length === 0 ? undefined : files.map(read).join(''),
});

const device = authority.issue('DNS:device.test');
const ofMiddle = intermediate.issue('DNS:device.test');

/** Nothing that it sends is ever looked at. */
async function refused(thread: TlsThread, options: ConnectionOptions): Promise<void> {
  const { counts: before, sockets } = await thread.state();
  // In TLS 1.3 a client believes itself connected before its certificate is looked at.
  const client = await secureClient(thread.port, options).catch(() => undefined);
  const answer = await client?.echo('x').catch(() => undefined);
  client?.socket.destroy();
  expect(answer).toBeUndefined();
  const now = await thread.when((state) => state.sockets <= sockets);
  expect(now.counts.failed.untrusted).toBe(before.failed.untrusted + 1);
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('certificates of clients in %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  test('none and one of the authority are let in, whatever the server is called', async () => {
    await using thread = await startTlsThread({ material: trusting(authority.caFile) });
    for (const servername of ['a.test', 'b.test']) {
      for (const own of [{}, shown(device)]) {
        using client = await secureClient(thread.port, { ...only, servername, ...own });
        expect(await client.echo('x')).toBe('echo x');
        expect(client.name).toBe(servername);
      }
    }
    expect(await thread.state()).toMatchObject({ counts: { failed: { untrusted: 0 } } });
  });

  test.each<[string, CertificateFiles]>([
    ['of another authority with the same name', foreign.issue('DNS:device.test')],
    ['whose time is over', authority.issue('DNS:device.test', -1)],
    ['for servers only', authority.issue('DNS:a.test', 2, { extensions: 'extendedKeyUsage=serverAuth' })],
  ])('one %s ends in the handshake', async (_what, files) => {
    await using thread = await startTlsThread({ material: trusting(authority.caFile) });
    for (const servername of ['a.test', 'b.test']) await refused(thread, { ...only, servername, ...shown(files) });
    expect(await thread.state()).toMatchObject({ open: 0, counts: { completed: 0, failed: { untrusted: 2 } } });
  });

  test('an intermediate authority is trusted without its root, and with it only what it has issued', async () => {
    await using thread = await startTlsThread({ material: trusting(intermediate.caFile) });
    using client = await secureClient(thread.port, { ...only, ...shown(ofMiddle) });
    expect(await client.echo('x')).toBe('echo x');
    await refused(thread, { ...only, ...shown(device) });
  });

  test('a chain to the root is followed', async () => {
    await using thread = await startTlsThread({ material: trusting(authority.caFile) });
    using client = await secureClient(thread.port, { ...only, ...shown(ofMiddle, intermediate.caFile) });
    expect(await client.echo('x')).toBe('echo x');
    await refused(thread, { ...only, ...shown(ofMiddle) });
  });

  test('a session is taken up again, but not once others are trusted', async () => {
    await using thread = await startTlsThread({ material: trusting(authority.caFile) });
    const session = async (from?: Buffer): Promise<[Buffer | undefined, boolean]> => {
      using client = await secureClient(thread.port, { ...only, ...shown(device), ...(from && { session: from }) });
      expect(await client.echo('x')).toBe('echo x');
      return [client.session(), client.resumed];
    };
    const [first] = await session();
    const [second, resumed] = await session(first);
    expect(resumed).toBe(true);
    await thread.reload(TLS, trusting(authority.caFile, foreign.caFile));
    const [third, afterReload] = await session(second);
    expect(afterReload).toBe(false);
    await thread.reload(TLS, trusting(foreign.caFile));
    await refused(thread, { ...only, ...shown(device), ...(third && { session: third }) });
    await thread.reload(TLS, trusting());
    expect((await session(third))[1]).toBe(false); // nobody is asked any more
  });

  test('a session without a certificate does not spare the client the question', async () => {
    await using thread = await startTlsThread({ material: trusting() });
    using before = await secureClient(thread.port, only);
    await before.echo('x');
    await thread.reload(TLS, trusting(foreign.caFile));
    await refused(thread, { ...only, ...shown(device), session: before.session() });
  });
});
