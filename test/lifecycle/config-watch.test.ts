import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, recordingUpstream } from '../support/http.ts';
import { get } from '../support/requests.ts';
import { quietFor, until } from '../support/wait.ts';
import { startLoad } from './load.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'gateway-config-watch-'))));
afterEach(() => rmSync(folder, { recursive: true }));

let swaps = 0;
/** Puts files in place all at once, as the kubelet does. */
function swap(files: Readonly<Record<string, string>>): void {
  const version = `..${++swaps}`;
  mkdirSync(join(folder, version));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, version, name), text);
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

const start = (port: number): Promise<Gateway> => {
  symlinkSync('..data/gateway.yaml', join(folder, 'gateway.yaml'));
  symlinkSync('..data/secret', join(folder, 'secret'));
  const env = { GATEWAY_CONFIG: folder, CONFIG_WATCH_SECONDS: '1', UP: String(port), ACCESS_LOG: 'off' };
  // With an upstream of its own an empty file would be a configuration.
  const url = `http://127.0.0.1:${port}`;
  return startGateway({ env: { ...env, CONFIG_WATCH: 'on', UPSTREAM_URL: url } });
};

const yaml = (route: string): string =>
  `upstreams:\n  up: { url: "http://127.0.0.1:\${UP}/\${file:secret}" }\nroutes:\n  - { path: /all, upstream: up }\n  - { path: /${route}, upstream: up }\n`;

const applied = (gateway: Gateway, version: number) =>
  gateway.waitForLog(({ msg, configVersion }) => msg === 'configuration applied' && configVersion === version);

test('files that are swapped under load are taken up each time, and no request fails', async () => {
  await using upstream = await recordingUpstream(() => answerText());
  swap({ 'gateway.yaml': yaml('r1'), secret: 's1' });
  await using gateway = await start(upstream.port);
  await using load = startLoad({ ports: [gateway.port], path: '/all', clients: 4 });
  for (const n of [2, 3, 4]) {
    swap({ 'gateway.yaml': yaml(`r${n}`), secret: 's1' });
    await applied(gateway, n);
    expect((await get(gateway.port, `/r${n}`)).status).toBe(200);
    expect((await get(gateway.port, `/r${n - 1}`)).status).toBe(404);
    await load.more(20);
  }
  swap({ 'gateway.yaml': yaml('r4'), secret: 's2' });
  await applied(gateway, 5);
  await get(gateway.port, '/r4');
  expect(upstream.requests.some(({ raw }) => raw.startsWith('GET /s2/r4 '))).toBe(true);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(gateway.log.filter(({ msg }) => msg === 'configuration applied')).toHaveLength(4);
});

test('a file that is wrong, emptied or half written changes nothing, says so once, and is taken up when it is right', async () => {
  await using upstream = await recordingUpstream(() => answerText());
  swap({ 'gateway.yaml': yaml('a'), secret: 's' });
  await using gateway = await start(upstream.port);
  const refusals = (): readonly unknown[] =>
    gateway.log.filter(({ msg }) => String(msg).includes('the new configuration is refused'));
  const refusedTimes = (count: number) => until(() => refusals().length === count);

  const half = yaml('b').slice(0, -15);
  swap({ 'gateway.yaml': half, secret: 's' });
  await refusedTimes(1);
  await quietFor(2_500, 'it looks at the file again and again');
  expect(refusals()).toHaveLength(1);
  expect((await get(gateway.port, '/a')).status).toBe(200);
  expect((await get(gateway.adminPort, '/metrics')).body).toContain('gateway_config_last_reload_success 0\n');
  expect((await get(gateway.port, '/health')).body).toContain('the last reload was refused');

  swap({ 'gateway.yaml': '', secret: 's' });
  await refusedTimes(2);
  expect(JSON.stringify(refusals()[1])).toContain('expected a file that is not empty');
  swap({ 'gateway.yaml': yaml('b'), secret: '' });
  await refusedTimes(3);
  expect((await get(gateway.port, '/a')).status).toBe(200);

  swap({ 'gateway.yaml': yaml('b'), secret: 's' });
  await applied(gateway, 2);
  expect((await get(gateway.port, '/b')).status).toBe(200);
  expect((await get(gateway.adminPort, '/metrics')).body).toContain('gateway_config_last_reload_success 1\n');
  expect((await get(gateway.port, '/health')).body).not.toContain('reload');
});
