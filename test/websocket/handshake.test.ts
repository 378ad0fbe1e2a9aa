import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FRONTS } from '../support/fronts.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway, TestFront } from '../support/gateway.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';
import { until } from '../support/wait.ts';
import { open, socketUpstream } from './peers.ts';

/** Those that pass WebSockets on. */
const PASSING: readonly TestFront[] = ['native', 'public'];
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** Of RFC 6455, section 1.3. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const VALID = [
  'Host: h',
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
];

/** A handshake with some lines in place of others; an empty one is left out. */
function asking(changes: Readonly<Record<string, string>> = {}, start = 'GET /proxy/ws HTTP/1.1'): string {
  const lines = VALID.map((line) => changes[line.slice(0, line.indexOf(':'))] ?? line);
  return `${[start, ...lines, changes['more'] ?? ''].filter((line) => line !== '').join('\r\n')}\r\n\r\n`;
}

async function ask(gateway: Gateway, request: string): Promise<string> {
  using client = await rawClient(gateway.port);
  client.send(request);
  return await client.when((text) => {
    const end = text.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    return end > 0 && text.length >= end + 4 + length;
  });
}

const statusOf = (answer: string): number => Number(answer.slice(9, 12));
const codeOf = (answer: string): string => /"code":"([a-z_]+)"/.exec(answer)?.[1] ?? '';

describe.each(PASSING)('handshakes (%s)', (front) => {
  test('what is none is refused before the upstream hears of it, and the rest passes', async () => {
    await using upstream = await socketUpstream();
    await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
    const table: readonly (readonly [string, string, number, string])[] = [
      [
        'a key of 15 bytes',
        asking({ 'Sec-WebSocket-Key': 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j' }),
        400,
        'bad_request',
      ],
      ['no key', asking({ 'Sec-WebSocket-Key': '' }), 400, 'bad_request'],
      ['two keys', asking({ more: `Sec-WebSocket-Key: ${KEY}` }), 400, 'bad_request'],
      ['version 8', asking({ 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' }), 426, 'websocket_version'],
      ['two versions', asking({ more: 'Sec-WebSocket-Version: 13' }), 400, 'bad_request'],
      ['no version', asking({ 'Sec-WebSocket-Version': '' }), 400, 'bad_request'],
      ['two protocols', asking({ Upgrade: 'Upgrade: websocket, h2c' }), 400, 'bad_request'],
      ['two Upgrade fields', asking({ more: 'Upgrade: websocket' }), 400, 'bad_request'],
      ['a body', `${asking({ more: 'Content-Length: 2' })}ab`, 400, 'bad_request'],
      ['a chunked body', `${asking({ more: 'Transfer-Encoding: chunked' })}0\r\n\r\n`, 400, 'bad_request'],
      ['POST', asking({}, 'POST /proxy/ws HTTP/1.1'), 400, 'bad_request'],
      ['a bad protocol list', asking({ more: 'Sec-WebSocket-Protocol: a,,b' }), 400, 'bad_request'],
      ['one protocol twice', asking({ more: 'Sec-WebSocket-Protocol: a, a' }), 400, 'bad_request'],
      ['a bad extension', asking({ more: 'Sec-WebSocket-Extensions: a b' }), 400, 'bad_request'],
    ];
    for (const [name, request, status, code] of table) {
      const answer = await ask(gateway, request);
      expect([name, statusOf(answer), codeOf(answer)]).toEqual([name, status, code]);
    }
    expect(upstream.requests).toEqual([]);
    const version = await ask(gateway, asking({ 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' }));
    expect(version).toMatch(/\r\nsec-websocket-version: 13\r\n/);
    // What asks for no WebSocket is an ordinary request.
    for (const request of [asking({ Upgrade: 'Upgrade: h2c' }), asking({ Connection: '' }), asking({ Upgrade: '' })]) {
      expect(await ask(gateway, request)).toMatch(/^HTTP\/1.1 200 .*\/ws$/s);
    }
    expect(await ask(gateway, asking())).toMatch(
      /^HTTP\/1.1 101 Switching Protocols\r\n(?=.*upgrade: websocket\r\n)(?=.*connection: Upgrade\r\n)/s,
    );
    expect(upstream.requests).toHaveLength(1);
  });

  test('key, protocols, extensions and other fields reach the upstream, and its answer the client', async () => {
    await using upstream = await socketUpstream({
      handleProtocols: (offered) => [...offered][1] ?? false,
      perMessageDeflate: true,
    });
    await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
    const peer = await open(`ws://127.0.0.1:${gateway.port}/proxy/a?b=c`, {
      protocols: ['mqtt', 'mqttv3.1'],
      options: { perMessageDeflate: true, headers: { cookie: 'a=b', te: 'trailers' }, origin: 'https://o' },
    });
    expect(peer.socket.protocol).toBe('mqttv3.1');
    expect(peer.socket.extensions).toContain('permessage-deflate');
    const { url, headers } =
      (await upstream.peer(0)) && (upstream.requests[0] as NonNullable<(typeof upstream.requests)[0]>);
    expect(url).toBe('/a?b=c');
    expect(headers).toMatchObject({ cookie: 'a=b', origin: 'https://o', 'x-forwarded-for': '127.0.0.1' });
    expect(headers['x-request-id']).toBeDefined();
  });

  test('any other answer passes as it is, and the connection goes on', async () => {
    await using upstream = await socketUpstream({
      onUpgrade: (request, socket) => {
        if (request.url !== '/no') return false;
        socket.end('HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 3\r\n\r\nwho');
        return true;
      },
    });
    await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
    using client = await rawClient(gateway.port);
    client.send(asking({}, 'GET /proxy/no HTTP/1.1'));
    expect(await client.until('who')).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n.*www-authenticate: Basic\r\n/s);
    client.send(asking());
    await client.until('101 Switching');
  });

  test('a wrong 101 is 502, and the client never hears of it', async () => {
    const right = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${ACCEPT}`];
    const other = createHash('sha1').update('other').digest('base64');
    const answers: Readonly<Record<string, readonly string[]>> = {
      '/right': right,
      '/accept': [...right.slice(0, 2), `Sec-WebSocket-Accept: ${other}`],
      '/no-accept': right.slice(0, 2),
      '/two-accepts': [...right, `Sec-WebSocket-Accept: ${ACCEPT}`],
      '/no-upgrade': right.slice(1),
      '/no-connection': [right[0] as string, right[2] as string],
      '/h2c': ['Upgrade: h2c', ...right.slice(1)],
      '/protocol': [...right, 'Sec-WebSocket-Protocol: c'],
      '/two-protocols': [...right, 'Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: b'],
      '/extension': [...right, 'Sec-WebSocket-Extensions: permessage-deflate, x'],
    };
    await using upstream = await rawUpstream((connection, data) => {
      const path = /^GET (\S+)/.exec(data.toString())?.[1] ?? '';
      connection.send(`HTTP/1.1 101 Changed\r\n${(answers[path] as string[]).join('\r\n')}\r\n\r\n`);
    });
    await using gateway = await startGateway({
      front,
      env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`, CIRCUIT_BREAKER: 'off' },
    });
    const more = 'Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; x="a,b"';
    for (const path of Object.keys(answers)) {
      const answer = await ask(gateway, asking({ more }, `GET /proxy${path} HTTP/1.1`));
      expect([path, statusOf(answer), codeOf(answer)]).toEqual(
        path === '/right' ? [path, 101, ''] : [path, 502, 'upstream_bad_response'],
      );
    }
    // And the connections that got it are closed.
    await until(() => upstream.connections.filter(({ socket }) => !socket.destroyed).length <= 1);
  });

  test('an upstream that is not there, is silent, or has failed too often', async () => {
    await using silent = await rawUpstream();
    await using gateway = await startGateway({
      front,
      yaml:
        `upstreams:\n  silent: { url: "http://127.0.0.1:${silent.port}" }\n` +
        '  gone: { url: "http://127.0.0.1:1", circuit_breaker: { failure_threshold: 2 } }\n' +
        'routes:\n' +
        '  - { path: /silent, upstream: silent, websocket: {}, timeouts: { response_headers_seconds: 0.2 } }\n' +
        '  - { path: /gone, upstream: gone, websocket: {} }\n',
    });
    const answers: string[] = [];
    for (const path of ['/silent', '/gone', '/gone', '/gone']) {
      answers.push(await ask(gateway, asking({}, `GET ${path} HTTP/1.1`)));
    }
    expect(answers.at(-1)).toMatch(/\r\nretry-after: \d+\r\n/);
    expect(answers.map((answer) => [statusOf(answer), codeOf(answer)])).toEqual([
      [504, 'upstream_headers_timeout'],
      [502, 'upstream_refused'],
      [502, 'upstream_refused'],
      [503, 'circuit_open'],
    ]);
  });

  test('a route takes them where it says so, from whom it says, and only so many', async () => {
    await using upstream = await socketUpstream();
    await using gateway = await startGateway({
      front,
      env: { WEBSOCKET_MAX_CONNECTIONS: '2' },
      yaml:
        `upstreams: { o: { url: "${upstream.url}" } }\nroutes:\n` +
        '  - { path: /plain, upstream: o }\n' +
        '  - { path: /open, upstream: o, websocket: {}, timeouts: { total_seconds: 1 } }\n' +
        '  - { path: /own, upstream: o, websocket: { origins: [https://a.example] } }\n',
    });
    const answerTo = (path: string, origin = ''): Promise<string> =>
      ask(gateway, asking({ more: origin }, `GET ${path} HTTP/1.1`));
    expect(await answerTo('/plain')).toMatch(/^HTTP\/1.1 200 .*\/plain$/s);
    for (const origin of ['', 'Origin: https://b.example', 'Origin: https://a.example\r\nOrigin: https://a.example']) {
      const answer = await answerTo('/own', origin);
      expect([statusOf(answer), codeOf(answer)]).toEqual([403, 'origin_not_allowed']);
    }
    expect(statusOf(await answerTo('/own', 'Origin: https://a.example'))).toBe(101);
    await until(() => upstream.peers.every(({ seen }) => seen.closed !== undefined));
    const peers = [
      await open(`ws://127.0.0.1:${gateway.port}/open`),
      await open(`ws://127.0.0.1:${gateway.port}/open`),
    ];
    const full = await answerTo('/open');
    expect([statusOf(full), codeOf(full)]).toEqual([503, 'too_many_websockets']);
    expect(full).toMatch(/\r\nretry-after: 5\r\n/);
    peers[0]?.socket.close();
    await peers[0]?.ended();
    await until(async () => statusOf(await answerTo('/open')) === 101);
  });
});

test.each(FRONTS.filter((front) => front === 'uws'))('the %s front says that it cannot', async (front) => {
  await using upstream = await socketUpstream();
  await using gateway = await startGateway({ front, env: { UPSTREAM_URL: upstream.url } });
  const answer = await ask(gateway, asking());
  expect([statusOf(answer), codeOf(answer)]).toEqual([501, 'websocket_unsupported']);
  expect(upstream.requests).toEqual([]);
});
