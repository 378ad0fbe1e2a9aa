import type { EnvName, EnvValues } from '../env-table.ts';
import type { Problem } from '../problems.ts';
import { showS3Url } from './s3-url.ts';

/**
 * What several variables say of backups together.
 * @param sound whether variables had no problem of their own
 */
export function checkBackups(values: EnvValues, sound: (...names: readonly EnvName[]) => boolean): readonly Problem[] {
  const { BACKUP_DIR: dir, BACKUP_S3_URL: url } = values;
  const problems: Problem[] = [];
  if (url === undefined) return problems;
  if (dir !== undefined && sound('BACKUP_DIR', 'BACKUP_S3_URL')) {
    const reason = 'BACKUP_DIR is set too';
    const expected = 'only one of BACKUP_DIR and BACKUP_S3_URL';
    problems.push({ key: 'BACKUP_S3_URL', value: JSON.stringify(showS3Url(url)), expected, reason });
  }
  for (const key of ['BACKUP_S3_ACCESS_KEY_ID', 'BACKUP_S3_SECRET_ACCESS_KEY'] as const) {
    if (values[key] !== undefined || !sound(key) || !sound(`${key}_FILE` as EnvName)) continue;
    problems.push({ key, value: undefined, expected: 'it, because BACKUP_S3_URL is set' });
  }
  return problems;
}
