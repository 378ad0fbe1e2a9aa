import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { freePort } from '../support/ports.ts';
import { createAuthority } from '../support/certificates.ts';
import type { TestAuthority } from '../support/certificates.ts';
import { bucketKey, healthOf, NO_REFILL, PATIENT, startLimited, tokensOf, untilHealth } from './setup.ts';
import { get, statuses } from '../support/requests.ts';

const LIMIT = { RATE_LIMIT_CAPACITY: '3', RATE_LIMIT_REFILL_RATE: NO_REFILL, ...PATIENT };
const SPENT = [200, 200, 200, 429];

describe('AUTH', () => {
  test.each(['REDIS_URL', 'REDIS_USERNAME'])('an ACL user that may touch our keys only, by %s', async (by) => {
    await using redis = await startRedis();
    const password = 'p@ss:w/rd';
    const rights = ['~api-gateway:*', '&api-gateway:*', '&__key*', '+@all', '-@dangerous', '+info', '+config|get'];
    await redis.client.call('ACL', 'SETUSER', 'gw', 'on', `>${password}`, ...rights);
    await redis.client.call('ACL', 'SETUSER', 'default', 'nopass', '-@all', '+auth');
    const login = by === 'REDIS_URL' ? `gw:${encodeURIComponent(password)}@` : '';
    const env = {
      ...LIMIT,
      REDIS_URL: `redis://${login}127.0.0.1:${redis.port}/0`,
      ...(by === 'REDIS_URL' ? {} : { REDIS_USERNAME: 'gw', REDIS_PASSWORD: password }),
    };
    await using limited = await startLimited({ env });
    expect(await statuses(limited.port, 4)).toEqual(SPENT);
    expect((await healthOf(limited.port)).status).toBe('ok');
    await redis.client.auth('gw', password);
    expect(Math.floor(await tokensOf(redis.client, '127.0.0.1'))).toBe(0);
    const { log } = limited.gateway;
    expect(log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    expect(JSON.stringify(log)).not.toContain(password);
  });
});

describe('rediss://', () => {
  let authority: TestAuthority;
  let redis: TestRedis;
  let tlsPort: number;
  let tlsArgs: readonly string[];

  beforeAll(async () => {
    authority = createAuthority();
    const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
    tlsPort = await freePort();
    const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', authority.caFile];
    tlsArgs = [...files, '--tls-auth-clients', 'no'];
    redis = await startRedis(['--tls-port', String(tlsPort), ...tlsArgs]);
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
  });

  test('with our own CA', async () => {
    const env = { ...LIMIT, REDIS_URL: `rediss://127.0.0.1:${tlsPort}/2`, REDIS_TLS_CA_FILE: authority.caFile };
    await using limited = await startLimited({ env });
    expect(await statuses(limited.port, 4)).toEqual(SPENT);
    await redis.client.select(2);
    expect(await redis.client.exists(bucketKey('127.0.0.1'))).toBe(1);
    await redis.client.select(0);
  });

  test('a certificate that nobody vouches for is refused, and said', async () => {
    await using limited = await startLimited({ env: { ...LIMIT, REDIS_URL: `rediss://127.0.0.1:${tlsPort}` } });
    await untilHealth(limited.port, 'degraded');
    const line = await limited.gateway.waitForLog(({ msg }) => String(msg).startsWith('rate limits: Redis is not'));
    expect(line['reason']).toMatch(/certificate/);
    expect((await get(limited.port)).status).toBe(200);
    expect(await redis.client.exists(bucketKey('127.0.0.1'))).toBe(0);
  });

  test('Sentinel: both it and the primary that it names are spoken to by TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-sentinel-tls-'));
    const sentinelPort = await freePort();
    const file = join(folder, 'sentinel.conf');
    const lines = [`dir ${folder}`, 'port 0', `tls-port ${sentinelPort}`, 'tls-replication yes', 'bind 127.0.0.1'];
    for (let i = 0; i < tlsArgs.length; i += 2) lines.push(`${tlsArgs[i]?.slice(2)} ${tlsArgs[i + 1]}`);
    writeFileSync(file, [...lines, `sentinel monitor main 127.0.0.1 ${tlsPort} 1`, ''].join('\n'));
    const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let said = '';
      await new Promise<void>((resolve, reject) => {
        sentinel.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes('+monitor')) resolve();
        });
        sentinel.once('exit', () => reject(new Error(said)));
      });
      const env = {
        ...LIMIT,
        REDIS_MODE: 'sentinel',
        REDIS_SENTINEL_MASTER: 'main',
        REDIS_URL: `rediss://127.0.0.1:${sentinelPort}`,
        REDIS_TLS_CA_FILE: authority.caFile,
      };
      await redis.client.flushall();
      await using limited = await startLimited({ env });
      await untilHealth(limited.port, 'ok');
      expect(await statuses(limited.port, 4)).toEqual(SPENT);
      expect(await redis.client.exists(bucketKey('127.0.0.1'))).toBe(1);
    } finally {
      sentinel.kill('SIGKILL');
      if (sentinel.exitCode === null && sentinel.signalCode === null) await once(sentinel, 'exit');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
