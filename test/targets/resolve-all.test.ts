import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLoad } from '../breaker-gateway/load.ts';
import type { Load } from '../breaker-gateway/load.ts';
import { targetsOf, untilSeen } from '../health/setup.ts';
import { createAuthority } from '../support/certificates.ts';
import { dnsServer } from '../support/dns.ts';
import type { DnsServer } from '../support/dns.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { get } from '../support/requests.ts';
import { quietFor, until } from '../support/wait.ts';
import { sure } from './threads.ts';

/** Every address of a name is a target: three servers on three addresses and one port, as a headless service has them. */

const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

interface Pod {
  readonly server: Server;
  status: number;
  connections: number;
  /** Of its connections, those that have ended. */
  ended: number;
  requests: number;
  hosts: Set<string>;
}

let dns: DnsServer;
let pods: Pod[];
let port: number;
let node: Gateway | undefined;
let load: Load | undefined;

async function startPod(address: string, at: number): Promise<Pod> {
  const answer: RequestListener = (request, response) => {
    pod.requests++;
    pod.hosts.add(String(request.headers.host));
    response.writeHead(request.url === '/health' ? 200 : pod.status).end(address);
  };
  const pod: Pod = {
    server: createServer({ keepAliveTimeout: 60_000 }, answer),
    status: 200,
    connections: 0,
    ended: 0,
    requests: 0,
    hosts: new Set(),
  };
  pod.server.on('connection', (socket) => {
    pod.connections++;
    socket.once('close', () => pod.ended++);
  });
  pod.server.listen(at, address);
  await once(pod.server, 'listening');
  return pod;
}

beforeEach(async () => {
  dns = await dnsServer({ 'pods.test': [...ADDRESSES] });
  dns.ttlSeconds = 3_600;
  pods = [await startPod(ADDRESSES[0], 0)];
  ({ port } = sure(pods[0]).server.address() as AddressInfo);
  pods.push(await startPod(ADDRESSES[1], port), await startPod(ADDRESSES[2], port));
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  for (const { server } of pods) {
    server.close();
    server.closeAllConnections();
  }
  await dns[Symbol.asyncDispose]();
});

const pod = (n: number): Pod => sure(pods[n]);
const requests = (): number[] => pods.map((each) => each.requests);
const yamlOf = (more = ''): string => `
upstreams:
  api: { targets: ["http://pods.test.:${port}"], resolve: all ${more} }
routes:
  - { path: /proxy, upstream: api, limits: [] }
`;
const label = (address: string): string => `http://pods.test.:${port}#${address}`;
const names = async (): Promise<readonly string[]> => (await targetsOf(sure(node))).targets.map(({ target }) => target);
const start = async (more = ''): Promise<Gateway> => {
  const env = { GATEWAY_TEST_DNS: dns.address, DNS_REFRESH_SECONDS: '1', ACCESS_LOG: 'off', WORKERS: '2' };
  return (node = await startGateway({ env, yaml: yamlOf(more) }));
};
const untilNames = (addresses: readonly string[]): Promise<number> =>
  until(async () => JSON.stringify(await names()) === JSON.stringify(addresses.map(label)));
const failures = (): number =>
  [...(load?.seen ?? [])].reduce((sum, [status, count]) => sum + (status === 200 ? 0 : count), 0);

test('all of them are balanced, under their name', async () => {
  const { port: at } = await start();
  await untilNames(ADDRESSES);
  for (let i = 0; i < 60; i++) expect((await get(at)).status).toBe(200);
  for (const each of pods) {
    expect(each.requests).toBeGreaterThan(5);
    expect([...each.hosts]).toEqual([`pods.test:${port}`]);
  }
});

test('addresses that change under load lose no request, whatever the TTL says, and those that stay keep connections', async () => {
  dns.names.set('pods.test', ADDRESSES.slice(0, 2));
  const { port: at } = await start();
  await untilNames(ADDRESSES.slice(0, 2));
  load = startLoad([at], 200);
  await until(() => pod(0).requests > 50 && pod(1).requests > 50);
  dns.names.set('pods.test', ADDRESSES.slice(1));
  await untilNames(ADDRESSES.slice(1));
  await until(() => pod(2).requests > 20);
  await quietFor(1_000, 'what was under way at the one that left comes to its end');
  const { connections, ended } = pod(1);
  const left = pod(0).requests;
  pod(0).server.close(); // and nobody notices
  pod(0).server.closeAllConnections();
  await until(() => pod(2).requests > 150);
  expect([pod(0).requests, failures()]).toEqual([left, 0]);
  // More may have come where the machine stood still for a moment.
  expect(pod(1).ended - ended).toBeLessThan(Math.max(1, connections - ended));
  for (let swaps = 0; swaps < 3; swaps++) {
    const next = swaps % 2 === 0 ? ADDRESSES.slice(1, 2) : ADDRESSES.slice(1);
    dns.names.set('pods.test', next);
    await untilNames(next);
  }
  await load.stop();
  expect(failures()).toBe(0);
});

test.each([['nxdomain'], ['servfail'], ['silent'], [[]]] as const)(
  'a DNS that says %j takes no target away',
  async (entry) => {
    await start();
    await untilNames(ADDRESSES);
    dns.names.set('pods.test', entry);
    const before = dns.questions.length;
    await until(() => dns.questions.length > before + 3);
    await quietFor(300, 'an answer would be acted upon');
    expect(await names()).toEqual(ADDRESSES.map(label));
    const sum = requests().reduce((a, b) => a + b);
    for (let i = 0; i < 12; i++) expect((await get(sure(node).port)).status).toBe(200);
    expect(requests().reduce((a, b) => a + b)).toBe(sum + 12);
    dns.names.set('pods.test', ADDRESSES.slice(0, 1));
    await untilNames(ADDRESSES.slice(0, 1));
  },
);

test('probes and ejections are for each address, and a reload keeps what is known', async () => {
  await start(', health: { path: /health, interval_seconds: 1 }, eject: { seconds: 60 }');
  const gateway = sure(node);
  await untilSeen(gateway, ['up, used', 'up, used', 'up, used']);
  pod(1).status = 503;
  await until(async () => {
    await get(gateway.port);
    return (await targetsOf(gateway)).targets.some(({ ejected }) => ejected !== null);
  });
  const seen = (await targetsOf(gateway)).targets.map(({ target, used, state }) => [target, state, used]);
  expect(seen).toEqual(ADDRESSES.map((address, i) => [label(address), 'up', i !== 1]));
  const connections = pods.map((each) => each.connections);
  await reloadsOf(gateway)(yamlOf(', health: { path: /health, interval_seconds: 60 }, eject: { seconds: 61 }'));
  expect((await targetsOf(gateway)).targets.map(({ used }) => used)).toEqual([true, false, true]);
  for (let i = 0; i < 10; i++) expect((await get(gateway.port)).status).toBe(200);
  const opened = pods.map((each, i) => each.connections - (connections[i] ?? 0));
  expect(opened[0]).toBeLessThan(4); // the other thread may not have had one
  const { body } = await get(gateway.adminPort, '/metrics');
  expect(body).toContain(`\nupstream_target_up{upstream="api",target="${label(ADDRESSES[1])}"} 0\n`);
});

test('a name that nobody knows at first is 502, and then there', async () => {
  dns.names.delete('pods.test');
  const { port: at } = await start();
  expect((await get(at)).body).toContain('upstream_unresolved');
  dns.names.set('pods.test', [...ADDRESSES]);
  await untilNames(ADDRESSES);
  expect((await get(at)).status).toBe(200);
});

test('a certificate is that of the name', async () => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('DNS:pods.test');
  const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) =>
    response.end((request.socket as TLSSocket & { servername: string }).servername),
  ).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port: at } = server.address() as AddressInfo;
  node = await startGateway({
    env: { GATEWAY_TEST_DNS: dns.address, ACCESS_LOG: 'off' },
    yaml: `
upstreams: { api: { url: "https://pods.test:${at}", resolve: all, tls: { ca_file: "${authority.caFile}" } } }
routes: [{ path: /proxy, upstream: api, limits: [] }]
`,
  });
  await until(async () => (await names()).length === 3);
  for (let i = 0; i < 6; i++) expect((await get(node.port)).body).toBe('pods.test');
  server.close();
  server.closeAllConnections();
});
