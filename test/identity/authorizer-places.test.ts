import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import { ask, recordingUpstream, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { freePort, listening } from '../support/ports.ts';
import { rawClient } from '../support/raw.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';
import { startGuarded } from './authorize.ts';

const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;

test('https is verified as with upstreams; a name of the upstreams brings its own authority', async () => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('DNS:localhost');
  const seen: (string | undefined)[] = [];
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    seen.push(request.url);
    response.writeHead(200, { 'x-user': 'anna' }).end('yes');
  });
  await using authz = await listening(server);
  await using upstream = await recordingUpstream();
  const at = (host: string): string => `https://${host}:${authz.port}`;
  await using gateway = await startGateway({
    yaml: `
upstreams:
  o: { url: "http://127.0.0.1:${upstream.port}" }
  z: { url: "${at('localhost')}/base", tls: { ca_file: "${authority.caFile}" } }
  y: { url: "${at('127.0.0.1')}", tls: { ca_file: "${authority.caFile}" } }
routes:
  - { path: /unknown, upstream: o, authorize: { url: "${at('localhost')}/check" } }
  - { path: /known, upstream: o, authorize: { upstream: z, path: "/check?x=1", copy: [x-user] } }
  - { path: /named, upstream: o, authorize: { upstream: y, path: "/check" } }
`,
  });
  for (const path of ['/unknown', '/named']) {
    const answer = await ask(gateway.port, requestText('GET', path));
    expect([path, statusOf(answer), code(answer)]).toEqual([path, 503, 'authorizer_unavailable']);
  }
  await gateway.waitForLog(({ reason }) => reason === 'upstream_tls_failed');
  expect(seen).toEqual([]);
  expect(statusOf(await ask(gateway.port, requestText('GET', '/known')))).toBe(200);
  expect(seen).toEqual(['/base/check?x=1']);
  expect(valueOf(upstream.requests.at(-1) as Message, 'x-user')).toBe('anna');
  server.closeAllConnections();
});

test('it may be behind the gateway itself; who asks himself is stopped', async () => {
  const port = await freePort();
  await using authz = await httpUpstream((request, response) => {
    response.writeHead(request.headers['x-forwarded-uri'] === '/a/1' ? 200 : 403).end();
  });
  await using upstream = await recordingUpstream();
  const self = `http://127.0.0.1:${port}`;
  await using gateway = await startGateway({
    env: { PORT: String(port), TRUSTED_PROXIES: '127.0.0.1' }, // else it would not believe itself
    yaml: `
upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" }, z: { url: "${authz.url}" } }
routes:
  - { path: /check, upstream: z }
  - { path: /loop, upstream: o, authorize: { url: "${self}/loop" } }
  - { path: /a, upstream: o, authorize: { url: "${self}/check" } }
`,
  });
  expect(statusOf(await ask(port, requestText('GET', '/a/1')))).toBe(200);
  expect(statusOf(await ask(port, requestText('GET', '/a/2')))).toBe(403);
  expect(upstream.requests).toHaveLength(1);
  const loop = await ask(port, requestText('GET', '/loop'));
  expect([statusOf(loop), code(loop)]).toEqual([503, 'authorizer_unavailable']);
  expect(upstream.requests).toHaveLength(1);
  expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('its breaker is one for all nodes', async () => {
  await using redis = await startRedis();
  const env = {
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2',
    CIRCUIT_BREAKER_MIN_NODES: '1',
    CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '600',
    JOBS: 'off',
  };
  let asked = 0;
  await using authz = await httpUpstream((_request, response) => {
    asked++;
    response.writeHead(500).end();
  });
  await using upstream = await recordingUpstream();
  const yaml = `
upstreams: { o: { url: "http://127.0.0.1:${upstream.port}" } }
routes: [{ path: /a, upstream: o, authorize: { url: "${authz.url}/" } }]`;
  await using one = await startGateway({ env: { ...env, NODE_NAME: 'one' }, yaml });
  await using two = await startGateway({ env: { ...env, NODE_NAME: 'two' }, yaml });
  const name = `authorizer:${authz.url.replace('//', '')}`;
  const from = async (address: string): Promise<void> => {
    using client = await rawClient(one.port, address);
    client.send(requestText('GET', '/a'));
    await client.until('authorizer_unavailable');
  };
  await until(async () => {
    for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) await from(address);
    return (await redis.client.hget('api-gateway:circuit-breaker', name)) === 'OPEN';
  });
  const isOpen = async (): Promise<boolean> =>
    (await get(two.adminPort, '/metrics')).body.includes(`circuit_breaker_state{upstream="${name}"} 2`);
  await until(isOpen);
  const before = asked;
  const answer = await ask(two.port, requestText('GET', '/a'));
  expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
  expect(Number(valuesOf(answer, 'retry-after')[0])).toBeGreaterThan(60);
  expect(asked).toBe(before);
  const forced = await fetch(`${two.adminUrl}/admin/breakers/${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: { ...two.bearer, 'content-type': 'application/json' },
    body: JSON.stringify({ state: 'CLOSED', for: 60 }),
  });
  expect(forced.status).toBe(200);
  await until(async () => {
    await ask(two.port, requestText('GET', '/a'));
    return asked > before;
  });
});

describe('while a question is under way', () => {
  test.each([
    ['a reload that changes nothing of it', ''],
    ['a reload that asks another server', 'timeout_seconds: 59'],
  ])('%s leaves it to its end', async (_what, authorize) => {
    await using guarded = await startGuarded('timeout_seconds: 60');
    guarded.answers = () => '';
    using client = await rawClient(guarded.port);
    client.send(requestText('GET', '/a'));
    await until(() => guarded.authorizer.requests.length === 1);
    await guarded.reload(authorize === '' ? 'timeout_seconds: 60' : authorize);
    guarded.authorizer.connections[0]?.send('HTTP/1.1 204 Yes\r\n\r\n');
    await client.until('HTTP/1.1 200');
    expect(guarded.authorizer.requests).toHaveLength(1);
  });

  test('a drain waits for it', async () => {
    await using guarded = await startGuarded('timeout_seconds: 60', { env: { DRAIN_TIMEOUT_SECONDS: '60' } });
    guarded.answers = () => '';
    using client = await rawClient(guarded.port);
    client.send(requestText('GET', '/a'));
    await until(() => guarded.authorizer.requests.length === 1);
    const stopped = guarded.gateway.stop();
    await guarded.gateway.waitForLog(({ msg }) => String(msg).includes('drain'));
    guarded.authorizer.connections[0]?.send('HTTP/1.1 204 Yes\r\n\r\n');
    await client.until('HTTP/1.1 200');
    expect(await stopped).toBe(0);
  });
});
