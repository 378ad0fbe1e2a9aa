import { expect, test } from 'vitest';
import { madeKeyAnswer } from '../../src/shared/admin/keys.ts';
import { apiKeyHash } from '../../src/shared/identity/api-key.ts';
import { commandIn, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { recordingUpstream } from '../support/http.ts';
import { get } from '../support/requests.ts';
import { until } from '../support/wait.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const runOf = ({ gateway }: Keyed): Run =>
  commandIn({ ADMIN_PORT: String(gateway.adminPort), STATE_DIR: gateway.stateDir });
const whyOf =
  (run: Run) =>
  async (...args: string[]): Promise<string> =>
    (await run('why', ...args)).stdout;

test('why names a breaker that is not closed, and whether it is so for this client', async () => {
  const [acme, other] = [aKey('k1'), aKey('k2')];
  const file = `
consumers: { acme: { keys: [${acme.yaml}] }, other: { keys: [${other.yaml}] } }
routes:
  - { name: keys, path: /k, upstream: o, authenticate: [api_key] }
  - { name: open, path: /o, upstream: o }`;
  await using keyed = await startKeyed(file, {
    env: { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3', CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '600' },
  });
  const run = runOf(keyed);
  const why = whyOf(run);
  expect(await why('acme', '--route', 'keys')).toMatch(/acme passes/);
  keyed.hold();
  await keyed.upstream[Symbol.asyncDispose]();
  const asAcme = { path: '/k', headers: { 'x-api-key': acme.key } };
  await until(async () => (await get(keyed.port, asAcme)).body.includes('circuit_open'));

  const ofAcme = await why('acme', '--route', 'keys');
  expect(ofAcme).toMatch(/acme would be refused (?:now|on keys)/);
  expect(ofAcme).toMatch(/503 circuit_open on keys: the circuit breaker of o is open for this client alone/);
  expect(ofAcme).toContain('"gateway breaker close o --for 5m" lets all pass.');
  expect(await why('other', '--route', 'keys')).toMatch(/other passes/);
  expect(await why('acme', '--route', 'open')).toMatch(/passes where its request brings what is said below/);
  expect(await why('192.0.2.7', '--route', 'open')).toMatch(/192\.0\.2\.7 passes/);

  expect((await run('breaker', 'open', 'o', '--for', '5m')).code).toBe(0);
  const held = await why('other', '--route', 'keys');
  expect(held).toContain('503 circuit_open on keys: the circuit breaker of o is held open by an operator.');
  expect(held).toContain('"gateway breaker auto o" ends that.');
});

test('why names an authorizer that is not asked', async () => {
  const authorizer = await recordingUpstream(() => 'HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n');
  const url = `http://127.0.0.1:${authorizer.port}/check`;
  const file = `
routes:
  - { name: shut, path: /shut, upstream: o, authorize: { url: "${url}", cache_seconds: 0 } }
  - { name: lax, path: /lax, upstream: o, authorize: { url: "${url}", cache_seconds: 0, on_failure: open } }`;
  await using keyed = await startKeyed(file, {
    env: { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3', CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '600' },
  });
  const run = runOf(keyed);
  const why = whyOf(run);
  const name = `authorizer:http:127.0.0.1:${authorizer.port}`;
  await until(async () => {
    await get(keyed.port, { path: '/shut', headers: { authorization: 'x' } });
    return (await run('breaker', 'list')).stdout.match(new RegExp(`${name} +OPEN`)) !== null;
  });
  const shut = await why('127.0.0.1', '--route', 'shut');
  expect(shut).toMatch(/127\.0\.0\.1 would be refused/);
  expect(shut).toContain(
    `503 authorizer_unavailable on shut: its authorizer is not asked: the circuit breaker of ${name}`,
  );
  expect(await why('127.0.0.1', '--route', 'lax')).toMatch(/127\.0\.0\.1 passes/);
  await authorizer[Symbol.asyncDispose]();
});

test('why knows the stored keys of a consumer, and takes the ID of one', async () => {
  const file = 'routes: [{ name: keys, path: /k, upstream: o, authenticate: [api_key] }]';
  await using keyed = await startKeyed(file, { env: { API_KEYS: 'both' } });
  const run = runOf(keyed);
  const why = whyOf(run);
  const make = async (): Promise<string> => parsed(madeKeyAnswer, await run('key', 'create', 'acme', '--json')).key;
  const idOf = (key: string): string => apiKeyHash(key).slice(0, 16);
  expect(await why('acme')).toContain('401 credentials_invalid on keys: no key of acme is stored.');
  const [one, two] = [await make(), await make()];
  expect(await why('acme')).toMatch(/acme passes/);

  await run('key', 'revoke', idOf(one));
  const both = await why('acme');
  expect(both).toMatch(/passes where its request brings what is said below/);
  expect(both).toMatch(
    new RegExp(`key ${idOf(one)} of acme was revoked at .* UTC; another of its credentials is good`),
  );
  expect(await why(idOf(one))).toMatch(new RegExp(`acme would be refused .*key ${idOf(one)} of acme was revoked`, 's'));
  expect(await why(idOf(two))).toMatch(/acme passes/);

  await run('key', 'revoke', idOf(two));
  const none = await why('acme');
  expect(none).toMatch(/acme would be refused/);
  expect(none).toContain('401 credentials_invalid on keys: no stored key of acme is good.');
  expect(none).toContain(`key ${idOf(two)} of acme was revoked`);
});
