import { createServer as createHttpsServer } from 'node:https';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, LookupFunction } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createAuthority } from '../../../test/support/certificates.ts';
import { takenPort } from '../../../test/support/ports.ts';
import { rawUpstream } from '../../../test/support/raw.ts';
import type { RawConnection } from '../../../test/support/raw.ts';
import { parseTarget } from '../../shared/config/upstreams/target-url.ts';
import type { ProbeOrder } from '../../shared/health/messages.ts';
import { probe } from './probe.ts';
import { sweep } from './sweep.ts';

const LONG_MS = 20_000;
const SHORT_MS = 150;
const NO_NAMES: LookupFunction = (_name, _options, callback) => callback(new Error('no names here'), []);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function orderFor(url: string, more: Partial<ProbeOrder> & { readonly timeoutMs?: number } = {}): ProbeOrder {
  const target = parseTarget(url);
  if (!target.ok) throw new Error(target.expected);
  const { timeoutMs = LONG_MS, ...rest } = more;
  return {
    upstream: 'api',
    target: target.value,
    tls: { caFile: undefined, serverName: undefined, verify: true },
    health: { path: '/health?deep=1', timeoutMs, statuses: [{ from: 200, to: 299 }] },
    maxHeaderBytes: 1_024,
    ...rest,
  };
}

/** A raw server that does so with each request. */
async function server(
  answer: (connection: RawConnection) => void,
): Promise<{ readonly url: string; readonly seen: () => string }> {
  const upstream = await rawUpstream((connection) => {
    if (connection.received().endsWith('\r\n\r\n')) answer(connection);
  });
  closers.push(async () => upstream[Symbol.asyncDispose]());
  return {
    url: `http://127.0.0.1:${upstream.port}/base`,
    seen: () => upstream.connections.map((each) => each.received()).join(''),
  };
}

/** What a probe makes of an answer. */
async function found(answer: string, timeoutMs = LONG_MS): Promise<string> {
  const { url } = await server((connection) => connection.send(answer));
  const { cause, why } = await probe(orderFor(url, { timeoutMs }), NO_NAMES);
  return `${cause}: ${why}`;
}

test('asks once, on a connection of its own that it closes', async () => {
  const { url, seen } = await server((connection) => connection.send('HTTP/1.1 204 No Content\r\n\r\n'));
  expect(await probe(orderFor(url), NO_NAMES)).toMatchObject({ cause: 'ok', why: '' });
  const [line, host, ...rest] = seen().split('\r\n');
  expect([line, host]).toEqual(['GET /base/health?deep=1 HTTP/1.1', `host: ${url.slice(7, -5)}`]);
  expect(rest).toContain('connection: close');
});

test.each([
  ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', 'ok: '],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'ok: '],
  ['HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n', 'status: status 503'],
  ['HTTP/1.1 302 Found\r\nlocation: /health\r\ncontent-length: 0\r\n\r\n', 'status: status 302'],
  ['220 smtp.example ESMTP\r\n\r\n', 'bad_answer: what it answers is not HTTP/1.1 as it should be'],
  [
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok',
    'bad_answer: what it answers is not HTTP/1.1 as it should be',
  ],
  [`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(2_000)}\r\n\r\n`, 'bad_answer: the header of its answer is too long'],
  // More than is waited for, of a body that never ends.
  [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20000\r\n${'x'.repeat(0x2_0000)}\r\n`, 'ok: '],
])('%j', async (answer, finding) => expect(await found(answer)).toBe(finding));

test.each(['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', 'HTTP/1.1 200 OK\r\n', ''])(
  'half an answer, or none, ends with the time-out: %j',
  async (answer) => expect(await found(answer, SHORT_MS)).toMatch(/^timeout: .* within 150 ms$/),
);

test('an answer that drips for ever does not keep it for longer', async () => {
  const drips = new Set<NodeJS.Timeout>();
  const { url } = await server((connection) => {
    connection.send('HTTP/1.1 200 OK\r\n');
    drips.add(setInterval(() => connection.send('x: y\r\n'), 10));
  });
  const { cause } = await probe(orderFor(url, { timeoutMs: SHORT_MS }), NO_NAMES);
  for (const drip of drips) clearInterval(drip);
  expect(cause).toBe('timeout');
});

test('a connection that is refused, and one that is cut in the answer', async () => {
  const taken = await takenPort();
  await taken[Symbol.asyncDispose]();
  const refused = await probe(orderFor(`http://127.0.0.1:${taken.port}`), NO_NAMES);
  expect(refused).toMatchObject({ cause: 'connect', why: expect.stringContaining('ECONNREFUSED') as unknown });
  const { url } = await server((connection) => {
    connection.send('HTTP/1.1 200 OK\r\n');
    connection.socket.destroySoon();
  });
  expect(await probe(orderFor(url), NO_NAMES)).toMatchObject({ cause: 'reset' });
});

test('a name is looked up each time, and one without an address is no answer', async () => {
  const { url } = await server((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const named = url.replace('127.0.0.1', 'service.test');
  const asked: string[] = [];
  const lookup: LookupFunction = (name, _options, callback) => {
    asked.push(name);
    if (asked.length === 1) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else
      callback(
        Object.assign(new Error('service.test has no address (ENOTFOUND)'), { code: 'ERR_NAME_UNRESOLVED' }),
        [],
      );
  };
  expect((await probe(orderFor(named), lookup)).cause).toBe('ok');
  expect(await probe(orderFor(named), lookup)).toMatchObject({
    cause: 'unresolved',
    why: 'service.test has no address (ENOTFOUND)',
  });
  const never: LookupFunction = () => {};
  expect(await probe(orderFor(named, { timeoutMs: SHORT_MS }), never)).toMatchObject({ cause: 'unresolved' });
});

test('TLS is that of the upstream: a certificate that is not trusted, or is for another, is no answer', async () => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
  const https = createHttpsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_req, res) =>
    res.end(),
  );
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  closers.push(async () => {
    https.close();
    https.closeAllConnections();
    await once(https, 'close');
  });
  const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
  const causeWith = async (tls: Partial<ProbeOrder['tls']>): Promise<string> => {
    const order = orderFor(url, { tls: { caFile: undefined, serverName: undefined, verify: true, ...tls } });
    return (await probe(order, NO_NAMES)).cause;
  };
  expect(await causeWith({})).toBe('tls');
  expect(await causeWith({ caFile: authority.caFile })).toBe('ok');
  expect(await causeWith({ caFile: authority.caFile, serverName: 'other.test' })).toBe('tls');
  expect(await causeWith({ verify: false })).toBe('ok');
  expect(await causeWith({ caFile: '/nowhere/ca.pem' })).toBe('own_shortage');
});

test('a sweep has so many under way at most, and its findings in order', async () => {
  let open = 0;
  let most = 0;
  const held: RawConnection[] = [];
  const { url } = await server((connection) => {
    open++;
    most = Math.max(most, open);
    held.push(connection);
    setTimeout(() => {
      open--;
      held.shift()?.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    }, 5);
  });
  const bad = orderFor('http://127.0.0.1:1');
  const findings = await sweep([...Array.from({ length: 9 }, () => orderFor(url)), bad], {
    lookup: NO_NAMES,
    concurrency: 3,
  });
  expect(findings.map(({ cause }) => cause)).toEqual([...Array.from({ length: 9 }, () => 'ok'), 'connect']);
  expect(most).toBeLessThanOrEqual(3);
});
