import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import type { CertificateAndKey, TlsMaterial } from '../../src/shared/tls/material.ts';
import { createAuthority } from '../support/certificates.ts';
import { opensslClient, secureClient, startTlsThread, TLS } from './tls-thread.ts';

const authority = createAuthority();
afterAll(() => authority[Symbol.dispose]());

function issue(names: string): CertificateAndKey {
  const { certFile, keyFile } = authority.issue(names);
  return { certificate: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

const [first, second, wild] = [issue('DNS:a.test'), issue('DNS:b.test,DNS:A2.test'), issue('DNS:*.c.test,DNS:a.test')];
const materialOf = (...certificates: CertificateAndKey[]): TlsMaterial => ({
  certificates,
  ticketKeys: [randomBytes(48)],
  clientCa: undefined,
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  test('reads and writes plain bytes over the TLS handle', async () => {
    await using thread = await startTlsThread({ material: materialOf(first) });
    using client = await secureClient(thread.port, { ...only, ALPNProtocols: ['h2', 'http/1.1'] });
    expect(client.socket.getProtocol()).toBe(version);
    expect(client.socket.alpnProtocol).toBe('http/1.1');
    expect(await client.echo('hello')).toBe('echo hello');
    expect(await client.echo('again')).toBe('echo again');
    expect(await thread.state()).toMatchObject({ handshaking: 0, open: 1, counts: { completed: 1, resumed: 0 } });
    client.socket.destroy();
    await thread.when(({ open, sockets }) => open === 0 && sockets === 0);
  });

  test.each([
    [undefined, 'leaf0'],
    ['a.test', 'leaf0'],
    ['nobody.test', 'leaf0'],
    ['b.test', 'leaf1'],
    ['B.TEST', 'leaf1'],
    ['a2.test', 'leaf1'],
    ['x.c.test', 'leaf2'],
    ['x.y.c.test', 'leaf0'],
    ['c.test', 'leaf0'],
  ])('server name %s gets the certificate %s', async (servername, name) => {
    await using thread = await startTlsThread({ material: materialOf(first, second, wild) });
    using client = await secureClient(thread.port, { ...only, ...(servername && { servername }) });
    expect(client.name).toBe(name);
    expect(await client.echo('x')).toBe('echo x');
  });

  test('a new certificate is shown from the next handshake on, and a connection stays', async () => {
    await using thread = await startTlsThread({ material: materialOf(first) });
    using before = await secureClient(thread.port, only);
    await thread.reload(TLS, materialOf(second));
    using after = await secureClient(thread.port, only);
    expect([before.name, after.name]).toEqual(['leaf0', 'leaf1']);
    expect(await before.echo('still')).toBe('echo still');
  });

  test('a broken record ends the connection', async () => {
    await using thread = await startTlsThread({ material: materialOf(first) });
    const plain = connect(thread.port, '127.0.0.1');
    using client = await secureClient(thread.port, { ...only, socket: plain });
    expect(await client.echo('x')).toBe('echo x');
    client.socket.on('error', () => {});
    plain.write(Buffer.from('\x17\x03\x03\x00\x20' + 'z'.repeat(32), 'latin1'));
    await client.closed();
    await thread.when(({ open, sockets }) => open === 0 && sockets === 0);
  });

  test('bytes that were read together with what stands before TLS', async () => {
    await using thread = await startTlsThread({ material: materialOf(first), skip: 6 });
    const plain = connect(thread.port, '127.0.0.1');
    plain.write('PROXY\n');
    plain.cork();
    const ready = secureClient(thread.port, { ...only, socket: plain });
    await once(plain, 'connect');
    plain.uncork();
    using client = await ready;
    expect(await client.echo('x')).toBe('echo x');
  });
});

test('an older version than is spoken', async () => {
  await using thread = await startTlsThread({ material: materialOf(first), config: { minVersion: 'TLSv1.3' } });
  await expect(secureClient(thread.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert/);
  await thread.when(({ failures }) => failures.includes('broken'));
});

test('a client that speaks http', async () => {
  await using thread = await startTlsThread({ material: materialOf(first) });
  const plain = connect(thread.port, '127.0.0.1');
  plain.on('error', () => {});
  plain.resume().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(plain, 'close');
  await thread.when(({ failures, sockets }) => failures.length === 1 && failures[0] === 'broken' && sockets === 0);
});

test.each(['', '\x16\x03\x01'])('a client that leaves after %j', async (start) => {
  await using thread = await startTlsThread({ material: materialOf(first) });
  const plain = connect(thread.port, '127.0.0.1');
  plain.end(start, 'latin1');
  plain.resume();
  await thread.when(({ failures, sockets }) => failures.join() === 'left' && sockets === 0);
});

test('a client that says nothing is disconnected, and those above the cap at once', async () => {
  const config = { handshakeTimeoutMs: 300, maxHandshakes: 2 };
  await using thread = await startTlsThread({ material: materialOf(first), config });
  const silent = [1, 2].map(() => connect(thread.port, '127.0.0.1').resume());
  await thread.when(({ handshaking }) => handshaking === 2);
  await expect(secureClient(thread.port)).rejects.toThrow(/disconnected|ECONNRESET/);
  expect((await thread.state()).failures).toEqual(['full']);
  await Promise.all(silent.map((socket) => once(socket, 'close')));
  const { failures } = await thread.when(({ handshaking, sockets }) => handshaking === 0 && sockets === 0);
  expect(failures).toEqual(['full', 'timeout', 'timeout']);
  using client = await secureClient(thread.port);
  expect(await client.echo('x')).toBe('echo x');
});

test('a client that wants another handshake on its connection is refused it', async () => {
  await using thread = await startTlsThread({ material: materialOf(first) });
  using client = opensslClient(thread.port, ['-tls1_2']);
  await client.until('Extended master secret');
  client.send('R\n');
  await client.until('no renegotiation');
  await thread.when(({ open, sockets }) => open === 0 && sockets === 0);
});

test('failures leave nothing behind', async () => {
  await using thread = await startTlsThread({ material: materialOf(first) });
  for (let round = 0; round < 50; round++) {
    const clients = Array.from({ length: 20 }, (_, i) => {
      const plain = connect(thread.port, '127.0.0.1').resume();
      plain.on('error', () => {});
      if (i % 2 === 0) plain.write('GET / HTTP/1.1\r\n\r\n');
      else plain.end('\x16\x03\x01\x02\x00\x01', 'latin1');
      return once(plain, 'close');
    });
    await Promise.all(clients);
  }
  const { counts } = await thread.when(({ handshaking, sockets }) => handshaking === 0 && sockets === 0);
  expect(counts.failed).toEqual({ timeout: 0, full: 0, left: 500, broken: 500, untrusted: 0 });
});

test.each(['terminate', 'throw', 'close'] as const)(
  'a thread that ends by %s takes only its connections',
  async (how) => {
    await using thread = await startTlsThread({ material: materialOf(first) });
    const clients = await Promise.all(Array.from({ length: 20 }, () => secureClient(thread.port)));
    for (const client of clients) client.socket.on('error', () => {});
    const silent = connect(thread.port, '127.0.0.1').resume();
    silent.on('error', () => {});
    await thread.when(({ handshaking, open }) => handshaking === 1 && open === 20);
    thread.worker.on('error', () => {});
    const gone = once(thread.worker, 'exit').catch(() => {});
    if (how === 'terminate') await thread.worker.terminate();
    else thread.worker.postMessage({ type: how });
    if (how === 'close') {
      await once(silent, 'close');
      for (const client of clients) client.socket.destroy();
    }
    await Promise.all([gone, ...clients.map((client) => client.closed())]);
  },
);
