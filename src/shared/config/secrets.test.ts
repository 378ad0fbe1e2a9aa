import { describe, expect, test } from 'vitest';
import { describeConfig } from './describe-config.ts';
import { ENV } from './env-table.ts';
import { configOf, problemsOf } from './test-reading.ts';

type Env = Record<string, string | undefined>;

describe('secrets', () => {
  test('come from a file, without the newline at its end', () => {
    expect(configOf({ ADMIN_TOKEN_FILE: '/t' }, { '/t': 's3cret\n' }).server.adminToken).toBe('s3cret');
  });

  test.each<[Env, string]>([
    [
      { ADMIN_TOKEN: 'x', ADMIN_TOKEN_FILE: '/t' },
      'ADMIN_TOKEN_FILE: ADMIN_TOKEN is set too, expected only one of ADMIN_TOKEN and ADMIN_TOKEN_FILE',
    ],
    [{ ADMIN_TOKEN_FILE: '/none' }, 'ADMIN_TOKEN_FILE: got "/none", expected a readable file; there is no such file'],
    [{ ADMIN_TOKEN_FILE: '/empty' }, 'ADMIN_TOKEN_FILE: got "/empty", expected a file that is not empty'],
    [{ ADMIN_TOKEN_FILE: '/bad' }, 'ADMIN_TOKEN: got ***, expected up to 512 visible ASCII characters without spaces'],
  ])('%j is refused without showing it', (env, line) => {
    expect(problemsOf(env, { '/t': 'x', '/empty': '\n', '/bad': 'a b' })).toEqual([line]);
  });

  test('of the table are all masked in what is shown of the configuration', () => {
    const names = Object.entries(ENV).flatMap(([name, { secret }]) => (secret ? [name] : []));
    const others = { REDIS_MODE: 'sentinel', BACKUP_S3_URL: 'https://s3.example.com/bucket' };
    const identity = 'AGE-SECRET-KEY-1ZU4ALDDLNL9MMRZCTKPL3AF4RR7E8ZD60VSX7NHJJ795HK4VW2QSKMUX7Y';
    const formed = { REDIS_URL: 'redis://host', BACKUP_ENCRYPTION_IDENTITY: identity };
    const env = Object.fromEntries(names.map((name) => [name, `secret-of-${name}`]));
    const JOBS_REDIS_URL = 'redis://:secret-of-JOBS_REDIS_URL@jobs,other';
    const shown = describeConfig(configOf({ ...env, ...formed, ...others, JOBS_REDIS_URL }));
    expect(names).toEqual([
      'ADMIN_TOKEN',
      'REDIS_URL',
      'REDIS_PASSWORD',
      'REDIS_SENTINEL_PASSWORD',
      'JOBS_REDIS_URL',
      'BACKUP_S3_ACCESS_KEY_ID',
      'BACKUP_S3_SECRET_ACCESS_KEY',
      'BACKUP_ENCRYPTION_IDENTITY',
      'CONFIG_SIGNING_KEY',
    ]);
    expect(JSON.stringify(shown)).not.toMatch(/secret-of-|AGE-SECRET/);
    expect(shown['redis']).toMatchObject({ password: '***', sentinelPassword: '***', url: 'redis://host:26379' });
    expect(shown['jobs']).toMatchObject({ redis: { password: '***' } });
    expect(shown['server']).toMatchObject({ adminToken: '***', port: 5000 });
    expect(describeConfig(configOf({}))['server']).not.toHaveProperty('adminToken');
  });

  test('inside other values are masked too', () => {
    const shown = describeConfig(
      configOf({ REDIS_URL: 'redis://me:hunter2@h/1', RATE_LIMIT_ALLOWLIST: 'hunter2,::1,hunter2-too' }),
    );
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown['redis']).toMatchObject({ url: 'redis://h:6379/1', username: 'me', password: '***' });
    expect(shown['limits']).toMatchObject({ allowlist: { cidrs: ['::1'], keys: ['***', '***'] } });
    expect(shown['limits']).toHaveProperty('key', [{ kind: 'ip' }]);
  });
});
