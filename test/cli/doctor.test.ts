import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startUpstream } from '../../src/demo/server.ts';
import { freePort, takenPort } from '../support/ports.ts';
import { startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startLimited } from '../limits-gateway/setup.ts';
import { eventually } from '../support/wait.ts';
import { commandIn } from './command.ts';
import type { Environment } from './command.ts';

const report = z.object({
  verdict: z.enum(['ok', 'warn', 'fail']),
  findings: z.array(
    z.object({
      check: z.string(),
      level: z.enum(['ok', 'warn', 'fail']),
      found: z.string(),
      advice: z.string().optional(),
    }),
  ),
});

async function doctor(env: Environment) {
  const { code, stdout, stderr } = await commandIn(env)('doctor', '--json');
  expect(stderr).toBe('');
  const { verdict, findings } = report.parse(JSON.parse(stdout));
  const of = (check: string) => findings.filter((each) => each.check === check);
  return {
    code,
    verdict,
    findings,
    of,
    level: (check: string) =>
      of(check)
        .map(({ level }) => level)
        .join(),
  };
}

let good: TestRedis;
let upstream: Awaited<ReturnType<typeof startUpstream>>;
let ports: Environment;

beforeAll(async () => {
  good = await startRedis(['--maxmemory', '100mb', '--appendonly', 'yes']);
  upstream = await startUpstream();
  const [data, admin] = [await freePort(), await freePort()];
  ports = { HOST: '127.0.0.1', PORT: String(data), ADMIN_PORT: String(admin), WORKERS: '1', MAX_CONNECTIONS: '1000' };
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  await good[Symbol.asyncDispose]();
});

describe('gateway doctor', () => {
  it('finds nothing that fails where all is well, and says so without a gateway', async () => {
    const { code, level, findings } = await doctor({
      ...ports,
      RATE_LIMIT_TIMEOUT_MILLISECONDS: '5000', // a machine busy with tests is slow
      REDIS_URL: `redis://127.0.0.1:${good.port}`,
      UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
    });
    expect(code).toBe(0);
    const well = ['configuration', 'gateway', 'PORT', 'ADMIN_PORT', 'open files', 'memory', 'processors'];
    const redis = ['version', 'role', 'maxmemory', 'policy', 'persistence', 'scripts', 'latency', 'clock'];
    const checks = [
      ...well,
      'redis',
      ...redis.map((each) => `redis ${each}`),
      'jobs',
      'jobs policy',
      'upstream default',
    ];
    expect(checks.map((check) => [check, level(check)])).toEqual(checks.map((check) => [check, 'ok']));
    for (const { level: found, advice } of findings) expect(advice === undefined).toBe(found === 'ok');
  });

  it('says where backups go, or that there are none', async () => {
    const env = {
      ...ports,
      REDIS_URL: `redis://127.0.0.1:${good.port}`,
      UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
    };
    const none = await doctor(env);
    expect(none.of('backups')).toEqual([
      { check: 'backups', level: 'ok', found: 'off: neither BACKUP_DIR nor BACKUP_S3_URL is set' },
    ]);
    const { of } = await doctor({ ...env, BACKUP_DIR: '/dev/null/here', BACKUP_FILES: '/no/such/file' });
    expect(of('backups')).toMatchObject([
      { level: 'ok', found: 'into /dev/null/here, in the clear: 0 2 * * *, with files 0 3 * * 0 (UTC)' },
      { level: 'fail', found: expect.stringContaining('BACKUP_DIR cannot be written') },
      { level: 'fail', found: expect.stringContaining('/no/such/file') },
    ]);
  });

  it('finds a taken port and by whom, a Redis and an upstream that are away: 1, with what to do', async () => {
    await using taken = await takenPort();
    const away = await freePort();
    const { code, verdict, of, level } = await doctor({
      ...ports,
      PORT: String(taken.port),
      REDIS_URL: `redis://127.0.0.1:${away}`,
      UPSTREAM_URL: `http://127.0.0.1:${away},http://no-such-host.invalid:80`,
    });
    expect([code, verdict]).toEqual([1, 'fail']);
    expect(of('PORT')).toMatchObject([{ level: 'fail', found: expect.stringContaining(`pid ${process.pid}`) }]);
    expect(of('redis')).toMatchObject([{ level: 'fail', found: expect.stringContaining('ECONNREFUSED') }]);
    expect(of('upstream default')).toMatchObject([
      { level: 'fail', found: expect.stringContaining('ECONNREFUSED') },
      { level: 'fail', found: expect.stringContaining('does not resolve') },
    ]);
    expect(level('ADMIN_PORT')).toBe('ok');
  });

  it('finds what is wrong with a Redis that answers', async () => {
    await using bad = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']);
    await bad.client.replicaof('127.0.0.1', String(good.port));
    const { code, level } = await doctor({ ...ports, REDIS_URL: `redis://127.0.0.1:${bad.port}` });
    expect(code).toBe(1);
    expect(['role', 'policy', 'persistence'].map((each) => level(`redis ${each}`))).toEqual(['fail', 'warn', 'warn']);
    expect(level('jobs policy')).toBe('warn');
  });

  it('knows a process that does jobs only', async () => {
    const env = { ADMIN_PORT: ports['ADMIN_PORT'] ?? '', JOBS: 'only' };
    await using _ = await startGateway({ env });
    const { verdict, of, level } = await doctor(env);
    expect(verdict).not.toBe('fail');
    expect([of('PORT'), of('upstream default'), level('ADMIN_PORT'), level('jobs')]).toEqual([[], [], 'ok', 'ok']);
  });

  it('says that jobs are off, and looks at a Redis of their own', async () => {
    const off = await doctor({ ...ports, JOBS: 'off' });
    expect(off.of('jobs')).toMatchObject([{ level: 'warn', found: expect.stringContaining('JOBS=off') }]);
    await using evicts = await startRedis(['--maxmemory-policy', 'volatile-lru']);
    const own = await doctor({ ...ports, JOBS_REDIS_URL: `redis://127.0.0.1:${evicts.port}` });
    expect([own.level('jobs'), own.level('jobs policy')]).toEqual(['ok', 'warn']);
    const away = await doctor({ ...ports, JOBS_REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    expect(away.level('jobs')).toBe('fail');
  });

  it('goes on where the configuration is wrong, and says where', async () => {
    const env = { ...ports, UPSTREAM_URL: 'nonsense', REDIS_URL: `redis://127.0.0.1:${good.port}` };
    const { code, of, level } = await doctor(env);
    expect(code).toBe(1);
    expect(of('configuration')).toMatchObject([{ level: 'fail', found: expect.stringContaining('UPSTREAM_URL') }]);
    expect([level('redis'), level('redis version')]).toEqual(['ok', 'ok']);
  });

  it('knows the ports of a running gateway, and asks it', async () => {
    await using limited = await startLimited({
      env: { PORT: ports['PORT'] ?? '', ADMIN_PORT: ports['ADMIN_PORT'] ?? '' },
    });
    const { code, of, level } = await doctor({ ...ports, UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` });
    expect(code).toBe(0);
    const held = expect.stringContaining(`pid ${limited.gateway.process.pid}`);
    expect(of('PORT')).toMatchObject([{ level: 'ok', found: held }]);
    expect(of('ADMIN_PORT')).toMatchObject([{ level: 'ok', found: held }]);
    expect(level('gateway')).toBe('ok');
  });

  it('beside a healthy gateway that was configured elsewhere judges what that one uses, and says so', async () => {
    const password = 'a-password-of-redis';
    await using locked = await startRedis(['--requirepass', password]);
    await using limited = await startLimited({
      env: {
        PORT: ports['PORT'] ?? '',
        ADMIN_PORT: ports['ADMIN_PORT'] ?? '',
        REDIS_URL: `redis://:${password}@127.0.0.1:${locked.port}`,
        NODE_NAME: 'elsewhere',
      },
    });
    await eventually(
      async () =>
        (await fetch(`${limited.gateway.adminUrl}/admin/status`).then((res) => res.text())).includes('"state":"up"'),
      'Redis is in use',
    );
    // This shell knows only where the admin port is, and some things that are wrong.
    const shell = { ADMIN_PORT: ports['ADMIN_PORT'] ?? '', UPSTREAM_URL: 'nonsense', PORT: '1' };
    const { code, of, findings } = await doctor(shell);
    expect(code, JSON.stringify(findings)).toBe(0);
    expect(of('judged')).toMatchObject([{ found: expect.stringContaining('that elsewhere runs with') }]);
    expect(of('configuration')).toMatchObject([{ level: 'ok' }]);
    expect(of('redis')).toMatchObject([
      { level: 'ok', found: expect.stringMatching(/up, says the gateway; its password/) },
    ]);
    expect(of('PORT')).toMatchObject([{ found: expect.stringContaining(`:${ports['PORT']} is held by`) }]);
    expect(JSON.stringify(findings)).not.toContain(password);
  });
});
