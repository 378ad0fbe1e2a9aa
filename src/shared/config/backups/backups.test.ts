import { describe, expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';

const RECIPIENT = 'age10094hqgs0zsa5jlvykhp4mwhrjkez3vy28hdszfttwn4tq4padesct9nd8';
const IDENTITY = 'AGE-SECRET-KEY-1ZU4ALDDLNL9MMRZCTKPL3AF4RR7E8ZD60VSX7NHJJ795HK4VW2QSKMUX7Y';
const S3 = {
  BACKUP_S3_URL: 'https://s3.example.com:8443/bucket/redis-backups/eu/',
  BACKUP_S3_ACCESS_KEY_ID: 'id',
  BACKUP_S3_SECRET_ACCESS_KEY: 'key',
};

describe('backups', () => {
  test('are off without a place, and have the schedules of the runbook', () => {
    expect(configOf({}).backups).toMatchObject({
      store: undefined,
      schedule: '0 2 * * *',
      fullSchedule: '0 3 * * 0',
      keepDaily: 7,
      keepWeekly: 5,
      keepDays: 0,
      cpuShare: 0.25,
      files: [],
    });
  });

  test('go into a folder, or into a bucket addressed by path', () => {
    expect(configOf({ BACKUP_DIR: '/b/' }).backups.store).toEqual({ kind: 'directory', path: '/b' });
    expect(configOf(S3).backups.store).toEqual({
      kind: 's3',
      origin: 'https://s3.example.com:8443',
      bucket: 'bucket',
      prefix: 'redis-backups/eu/',
      region: 'us-east-1',
      accessKeyId: 'id',
      secretAccessKey: 'key',
    });
    expect(configOf({ ...S3, BACKUP_S3_URL: 'http://[::1]/bucket' }).backups.store).toMatchObject({
      origin: 'http://[::1]',
      prefix: '',
    });
  });

  test('go to one place, and the problem names both', () => {
    expect(problemsOf({ ...S3, BACKUP_DIR: '/b' })).toEqual([
      'BACKUP_S3_URL: BACKUP_DIR is set too, expected only one of BACKUP_DIR and BACKUP_S3_URL',
    ]);
  });

  test('in S3 need both halves of the login', () => {
    expect(problemsOf({ BACKUP_S3_URL: S3.BACKUP_S3_URL })).toEqual([
      'BACKUP_S3_ACCESS_KEY_ID: missing, expected it, because BACKUP_S3_URL is set',
      'BACKUP_S3_SECRET_ACCESS_KEY: missing, expected it, because BACKUP_S3_URL is set',
    ]);
    expect(problemsOf({ ...S3, BACKUP_S3_ACCESS_KEY_ID: '', BACKUP_S3_ACCESS_KEY_ID_FILE: '/none' })).toHaveLength(1);
  });

  test.each([
    'ftp://h/b',
    'https://h',
    'https://h/b?x',
    'https://h/b#',
    'https://u:p@h/b',
    'https://h/b/a%20b',
    'https://h/b/ä',
    'b',
  ])('%s is no bucket', (url) => {
    const [line] = problemsOf({ ...S3, BACKUP_S3_URL: url });
    expect(line).toMatch(/^BACKUP_S3_URL: got .*expected https:\/\/host\/bucket\/prefix/);
    expect(line).not.toContain('u:p');
  });

  test.each(['* * *', '0 25 * * *', 'daily at two', '0 0 30 2 *', '1 2 3 4 5 6 7'])('%s is no schedule', (text) => {
    expect(problemsOf({ BACKUP_SCHEDULE: text })).toEqual([
      expect.stringMatching(
        /^BACKUP_SCHEDULE: got ".*", expected a schedule in cron's form such as "0 2 \* \* \*" \(.+\)$/,
      ),
    ]);
    expect(problemsOf({ BACKUP_FULL_SCHEDULE: text })).toHaveLength(1);
  });

  test('may run at seconds', () => {
    expect(configOf({ BACKUP_SCHEDULE: '*/5 * * * * *' }).backups.schedule).toBe('*/5 * * * * *');
  });

  test('are encrypted for a recipient without a misspelling', () => {
    expect(configOf({ BACKUP_ENCRYPTION_RECIPIENT: RECIPIENT }).backups.recipient).toBe(RECIPIENT);
    for (const wrong of [
      RECIPIENT.replace('0094', '0095'),
      RECIPIENT.slice(0, -1),
      IDENTITY,
      RECIPIENT.toUpperCase(),
    ]) {
      expect(problemsOf({ BACKUP_ENCRYPTION_RECIPIENT: wrong })).toHaveLength(1);
    }
  });

  test('take the identity as age-keygen writes it, and never show it', () => {
    const file = `# created: 2026-01-01T00:00:00Z\n# public key: ${RECIPIENT}\n${IDENTITY}\n`;
    expect(configOf({ BACKUP_ENCRYPTION_IDENTITY_FILE: '/k' }, { '/k': file }).backups.identity).toBe(IDENTITY);
    expect(problemsOf({ BACKUP_ENCRYPTION_IDENTITY: IDENTITY.replace('ZU4', 'ZU5') })).toEqual([
      'BACKUP_ENCRYPTION_IDENTITY: got ***, expected one secret key of age, AGE-SECRET-KEY-1…',
    ]);
  });

  test('know the files that secrets come from', () => {
    const { backups } = configOf({ ADMIN_TOKEN_FILE: '/run/secrets/token' }, { '/run/secrets/token': 'abc' });
    expect(backups.secretFiles).toEqual(['/run/secrets/token']);
  });

  test('take files by absolute paths', () => {
    expect(configOf({ BACKUP_FILES: '/a/, /b/c' }).backups.files).toEqual(['/a', '/b/c']);
    expect(problemsOf({ BACKUP_FILES: '/a,b' })).toEqual(['BACKUP_FILES: got "b", expected absolute paths']);
  });
});
