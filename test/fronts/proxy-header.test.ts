import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { scrape } from '../metrics/scrape.ts';

const V1 = 'PROXY TCP4 203.0.113.9 10.0.0.1 5555 80\r\n';
/** Version 2, PROXY, TCP over IPv4: 203.0.113.9:5555 → 10.0.0.1:80. */
const V2 = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
  Buffer.from('2111000ccb0071090a00000115b30050', 'hex'),
]);
const LOCAL = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from('20000000', 'hex')]);

const refused = async (pair: Pair, code: string): Promise<number> =>
  (await scrape(pair.gateway)).sum('http_refused_total', { code });

describe('PROXY_PROTOCOL=on', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front: 'native', env: { PROXY_PROTOCOL: 'on', TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it.each([
    ['version 1', Buffer.from(V1, 'latin1'), '203.0.113.9'],
    ['version 2', V2, '203.0.113.9'],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n', 'latin1'), '127.0.0.1'],
    ['LOCAL', LOCAL, '127.0.0.1'],
  ])('%s says who the client is, in one piece with the request or byte by byte', async (name, header, address) => {
    const path = `/from/${name.replace(' ', '-')}`;
    const request = Buffer.concat([header, Buffer.from(requestText('GET', `/proxy${path}`), 'latin1')]);
    using whole = await rawClient(pair.port);
    whole.send(request);
    expect(statusOf(await messageAt(whole, 0))).toBe(200);
    whole.send(requestText('GET', `/proxy${path}`)); // no second header
    expect(statusOf(await messageAt(whole, 1))).toBe(200);
    using pieces = await rawClient(pair.port);
    pieces.socket.setNoDelay(true);
    for (const byte of request) {
      pieces.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(statusOf(await messageAt(pieces, 0))).toBe(200);
    const seen = pair.requestsFor(path).map((each) => valueOf(each, 'x-forwarded-for'));
    expect(seen).toEqual([address, address, address]);
  });

  it.each([
    ['none', requestText('GET', '/proxy/without')],
    ['a broken one', `PROXY TCP4 somewhere\r\n${requestText('GET', '/proxy/without')}`],
    ['one that is too long', `PROXY ${'x'.repeat(200)}`],
  ])('%s: closed without a word, and counted', async (_name, text) => {
    const before = await refused(pair, 'proxy_protocol');
    using client = await rawClient(pair.port);
    client.send(text);
    expect(await client.closed()).toBe('');
    expect(pair.requestsFor('/without')).toEqual([]);
    await eventually(async () => (await refused(pair, 'proxy_protocol')) === before + 1, 'counted');
  });

  it('none within five seconds: closed, and counted', async () => {
    const before = await refused(pair, 'proxy_protocol');
    using client = await rawClient(pair.port);
    expect(await client.closed(20_000)).toBe('');
    expect(await refused(pair, 'proxy_protocol')).toBe(before + 1);
  });
});

it('from anybody who is not trusted a PROXY header is a bad request', async () => {
  await using pair = await startPair({
    front: 'native',
    env: { PROXY_PROTOCOL: 'on', TRUSTED_PROXIES: '192.0.2.1' },
  });
  for (const header of [V1, V2.toString('latin1')]) {
    using client = await rawClient(pair.port);
    client.send(Buffer.from(header + requestText('GET', '/proxy/x'), 'latin1'));
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect(statusOf(await ask(pair.port, requestText('GET', '/proxy/ok')))).toBe(200);
  expect(pair.requestsFor('/x')).toEqual([]);
});

it('it stands before TLS', async () => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('DNS:localhost');
  await using pair = await startPair({
    front: 'native',
    env: { PROXY_PROTOCOL: 'on', TRUSTED_PROXIES: '127.0.0.1', TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile },
  });
  using client = await rawClient(pair.port);
  client.send(V1);
  const secure = connectTls({ socket: client.socket, rejectUnauthorized: false });
  let text = '';
  secure.on('data', (data) => (text += data.toString('latin1')));
  secure.write(requestText('GET', '/proxy/secure'));
  await eventually(() => text.includes('\r\n\r\n'), 'an answer');
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(pair.requestsFor('/secure').map((each) => valueOf(each, 'x-forwarded-for'))).toEqual(['203.0.113.9']);
  secure.destroy();
});
