import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import type { Gateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { eventually } from '../support/wait.ts';
import { healthOf, startLimited, untilHealth } from '../limits-gateway/setup.ts';

interface Reloaded {
  readonly version: number;
  readonly redisRefuses: string;
}

async function reload({ adminUrl, bearer }: Gateway): Promise<Reloaded> {
  const answer = await fetch(`${adminUrl}/admin/reload`, { method: 'POST', headers: bearer });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Reloaded;
}

function folder(): { readonly file: (name: string) => string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'gateway-login-'));
  return {
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

const reasonsOf = async (port: number): Promise<string> => (await healthOf(port)).reasons?.join() ?? '';

test('a password that is rotated: WRONGPASS is said everywhere, and REDIS_PASSWORD_FILE is read again on reload', async () => {
  await using redis = await startRedis(['--requirepass', 'first']);
  using files = folder();
  writeFileSync(files.file('password'), 'first\n');
  await using limited = await startLimited({ redis, env: { REDIS_PASSWORD_FILE: files.file('password') } });
  const { gateway, port } = limited;
  await untilHealth(port, 'ok');
  await redis.client.config('SET', 'requirepass', 'second');
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  for (const part of ['circuit breakers', 'rate limits', 'events of other nodes', 'node list', 'metrics of Redis']) {
    const said = new RegExp(`${part}[^,]*WRONGPASS`);
    await eventually(async () => said.test(await reasonsOf(port)), `${part}: /health says WRONGPASS`);
  }
  const status = (await (await fetch(`${gateway.adminUrl}/admin/status`)).json()) as { redis: { reason: string } };
  expect(status.redis.reason).toContain('WRONGPASS');
  for (const part of ['rate limits', 'circuit breakers']) {
    await gateway.waitForLog(({ msg, reason }) => String(msg).startsWith(part) && String(reason).includes('WRONGPASS'));
  }
  // One that is wrong as well is not "in use".
  writeFileSync(files.file('password'), 'third\n');
  expect(await reload(gateway)).toMatchObject({ version: 2, redisRefuses: expect.stringContaining('WRONGPASS') });
  writeFileSync(files.file('password'), 'second\n');
  expect(await reload(gateway)).toMatchObject({ version: 3, redisRefuses: '' });
  await untilHealth(port, 'ok');
  expect(JSON.stringify(gateway.log)).not.toMatch(/"(first|second|third)"/);
});

test('certificates to trust are compared by content, and the reason why one is not trusted is said', async () => {
  using old = createAuthority();
  using other = createAuthority();
  using files = folder();
  const tlsPort = await freePort();
  const { certFile, keyFile } = other.issue('IP:127.0.0.1');
  const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', certFile, '--tls-key-file', keyFile];
  await using redis = await startRedis([...tls, '--tls-ca-cert-file', other.caFile, '--tls-auth-clients', 'no']);
  expect(await redis.client.ping()).toBe('PONG');
  copyFileSync(old.caFile, files.file('ca.pem'));
  const env = { REDIS_URL: `rediss://127.0.0.1:${tlsPort}`, REDIS_TLS_CA_FILE: files.file('ca.pem') };
  await using limited = await startLimited({ env });
  const { gateway, port } = limited;
  await eventually(async () => /rate limits[^,]*certificate/.test(await reasonsOf(port)), 'the reason is said');
  copyFileSync(other.caFile, files.file('ca.pem'));
  expect(await reload(gateway)).toMatchObject({ redisRefuses: '' });
  await untilHealth(port, 'ok');
  // Content that does not fit is told, and what is connected stays.
  copyFileSync(old.caFile, files.file('ca.pem'));
  expect(await reload(gateway)).toMatchObject({ redisRefuses: expect.stringContaining('certificate') });
  const status = (await (await fetch(`${gateway.adminUrl}/admin/status`)).json()) as { reasons: string[] };
  expect(status.reasons.join()).toContain('certificates of the last reload');
});

const behindSentinel = (port: number, password: string) => ({
  REDIS_URL: `redis://127.0.0.1:${port}`,
  REDIS_MODE: 'sentinel',
  REDIS_SENTINEL_MASTER: 'main',
  REDIS_SENTINEL_PASSWORD: password,
});

test('Sentinels with a password', async () => {
  await using sentinel = await startSentinel(['requirepass "of sentinels"']);
  await using limited = await startLimited({ env: behindSentinel(sentinel.port, 'of sentinels') });
  await untilHealth(limited.port, 'ok');
});

test('a user of the Sentinels that may do no more than it has to', async () => {
  const user = 'user gateway on ">of its own" allchannels -@all +auth +hello +ping +info +client +role +subscribe';
  await using sentinel = await startSentinel([
    'requirepass "of others"',
    `${user} +sentinel|get-master-addr-by-name +sentinel|sentinels +sentinel|masters`,
  ]);
  const env = { ...behindSentinel(sentinel.port, 'of its own'), REDIS_SENTINEL_USERNAME: 'gateway' };
  await using limited = await startLimited({ env });
  await untilHealth(limited.port, 'ok');
});

test('a wrong password of the Sentinels is said', async () => {
  await using sentinel = await startSentinel(['requirepass right']);
  await using limited = await startLimited({ env: behindSentinel(sentinel.port, 'wrong') });
  await eventually(async () => (await reasonsOf(limited.port)).includes('WRONGPASS'), 'the reason is said');
});
