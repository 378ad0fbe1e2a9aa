import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { answerText, recordingUpstream } from '../support/http.ts';
import { get } from '../support/requests.ts';
import { runToEnd } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-config-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

beforeEach(() => {
  write('secret', 's3cret-path\n');
  write('20-routes.yaml', 'routes:\n  - { path: /a, upstream: o }\n');
});

const check = (): ReturnType<typeof runToEnd> =>
  runToEnd({ entry: 'cli', args: ['check'] }, { GATEWAY_CONFIG: folder, O_PORT: '1' });

test('a folder is read at the start and by a reload; a value from a file is used and never shown', async () => {
  await using upstream = await recordingUpstream(() => answerText());
  write('10-upstreams.yaml', 'upstreams:\n  o: { url: "http://127.0.0.1:${O_PORT}/${file:secret}" }\n');
  const env = { GATEWAY_CONFIG: folder, O_PORT: String(upstream.port), ACCESS_LOG: 'on' };
  await using gateway = await startGateway({ env });
  const statuses = async (): Promise<readonly number[]> =>
    Promise.all(['/a', '/b'].map(async (path) => (await get(gateway.port, path)).status));
  expect(await statuses()).toEqual([200, 404]);
  expect(upstream.requests[0]?.raw).toMatch(/^GET \/s3cret-path\/a HTTP/);

  write('30-more.yaml', 'routes:\n  - { path: /b, upstream: o }\n');
  gateway.process.kill('SIGHUP');
  await gateway.waitForLog(({ msg }) => msg === 'configuration applied');
  expect(await statuses()).toEqual([200, 200]);

  write('30-more.yaml', 'routes:\n  - { path: /a, upstream: o }\n');
  gateway.process.kill('SIGHUP');
  const refused = await gateway.waitForLog(({ msg }) => String(msg).includes('the new configuration is refused'));
  const line = '30-more.yaml:2: routes[1]: takes the same requests as routes[0]; that is ';
  expect(JSON.stringify(refused['problems'])).toContain(`${line}${folder}/20-routes.yaml:2`);
  expect(await statuses()).toEqual([200, 200]);

  const shown = (await get(gateway.adminPort, { path: '/admin/config', headers: gateway.bearer })).body;
  expect(shown).toContain('"basePath":"/***"');
  expect(shown).toContain('"name":"b"');
  expect(`${shown}${JSON.stringify(gateway.log)}`).not.toContain('s3cret-path');

  const before = await check();
  expect([before.code, before.stderr]).toEqual([78, expect.stringContaining(line)]);
  rmSync(join(folder, '30-more.yaml'));
  const after = await check();
  expect([after.code, after.stderr]).toEqual([0, '']);
  expect(after.stdout).toContain('basePath: /***');
  expect(after.stdout).not.toContain('s3cret-path');
});
