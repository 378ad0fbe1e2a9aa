import { expect, test } from 'vitest';
import { commandIn } from '../cli/command.ts';
import { get } from '../support/requests.ts';
import { aKey, startKeyed } from './setup.ts';

test('why a client is refused is said as requests find it: lists, maintenance, disabled consumers, allow', async () => {
  const [acme, gone] = [aKey('k1'), aKey('k2')];
  const file = `
consumers: { acme: { groups: [b2b], keys: [${acme.yaml}] }, gone: { disabled: true, keys: [${gone.yaml}] } }
routes:
  - { name: inner, path: /inner, upstream: o, ip: { allow: [10.0.0.0/8] } }
  - { name: b2b, path: /b2b, upstream: o, authenticate: [api_key], allow: { groups: [b2b] } }
  - { name: fleet, path: /fleet, upstream: o, authenticate: [api_key], allow: { groups: [fleet] } }`;
  await using keyed = await startKeyed(file, { env: { TRUSTED_PROXIES: '127.0.0.1', IP_DENY: '198.51.100.0/24' } });
  const { gateway, port } = keyed;
  const run = commandIn({ ADMIN_PORT: String(gateway.adminPort), STATE_DIR: gateway.stateDir });
  const why = async (...args: string[]): Promise<string> => (await run('why', ...args)).stdout;
  const codeOf = async (path: string, key: string, from: string): Promise<string> => {
    const { body } = await get(port, { path, headers: { 'x-api-key': key, 'x-forwarded-for': from } });
    return (JSON.parse(body) as { code: string }).code;
  };

  expect(await codeOf('/inner', '', '192.0.2.1')).toBe('ip_not_allowed');
  const inner = await why('192.0.2.1', '--route', 'inner');
  expect(inner).toMatch(/^192\.0\.2\.1 would be refused now\.$/m);
  expect(inner).toContain('403 ip_not_allowed on inner: ip.allow of the route does not have 192.0.2.1.');
  expect(inner).toContain('Add it to ip.allow of the route, then "gateway reload".');
  expect(await why('10.1.1.1', '--route', 'inner')).toMatch(/^10\.1\.1\.1 passes/);
  expect(await codeOf('/b2b', acme.key, '198.51.100.9')).toBe('ip_not_allowed');
  expect(await why('acme', '--address', '198.51.100.9')).toContain('IP_DENY has 198.51.100.9');

  expect(await codeOf('/b2b', gone.key, '10.1.1.1')).toBe('credentials_invalid');
  expect(await why('gone', '--route', 'b2b', '--address', '10.1.1.1')).toMatch(
    /401 credentials_invalid on b2b: the consumer gone is disabled in the configuration\./,
  );
  expect(await codeOf('/fleet', acme.key, '10.1.1.1')).toBe('not_allowed');
  const fleet = await why('acme', '--address', '10.1.1.1');
  expect(fleet).toMatch(/^(?:consumer=)?acme would be refused on fleet\.$/m);
  expect(fleet).toContain('403 not_allowed on fleet: allow.groups of the route has fleet, and acme is in b2b.');
  expect(fleet).toMatch(/^b2b +passes/m);
  expect(fleet).toMatch(/^fleet +403 +not_allowed/m);

  expect((await run('maintenance', 'on', 'b2b', '--text', 'Back soon', '--allow', '10.7.0.0/16')).code).toBe(0);
  expect(await codeOf('/b2b', acme.key, '10.1.1.1')).toBe('maintenance');
  const closed = await why('acme', '--address', '10.1.1.1', '--route', 'b2b');
  expect(closed).toMatch(/503 maintenance on b2b: maintenance of route b2b \("Back soon"\)/);
  expect(closed).toContain('"gateway maintenance off b2b" ends it');
  expect(closed).toMatch(/^b2b +503 +maintenance +in (?:29m|30m)/m);
  expect(await why('acme', '--address', '10.7.1.1', '--route', 'b2b')).toMatch(/acme passes/);

  const bad = await run('why', 'acme', '--route', 'nowhere');
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('There are these routes: inner, b2b, fleet')]);
  expect((await run('why', 'acme', '--address', 'here')).code).toBe(64);
  const json = JSON.parse((await run('why', 'nobody', '--json', '--route', 'b2b')).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({ known: false, wouldPass: false, consumer: 'nobody', address: null });
});
