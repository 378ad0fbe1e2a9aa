import { tmpdir } from 'node:os';
import type { EnvValues } from '../env-table.ts';
import type { BackupsConfig, BackupStoreConfig } from './types.ts';

function storeOf(env: EnvValues): BackupStoreConfig | undefined {
  const { BACKUP_DIR: path, BACKUP_S3_URL: url } = env;
  if (path !== undefined) return { kind: 'directory', path };
  if (url === undefined) return undefined;
  return {
    kind: 's3',
    ...url,
    region: env.BACKUP_S3_REGION,
    accessKeyId: env.BACKUP_S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.BACKUP_S3_SECRET_ACCESS_KEY ?? '',
  };
}

/** @param secretFiles absolute paths of files that the configuration takes secrets from */
export const resolveBackups = (env: EnvValues, secretFiles: readonly string[]): BackupsConfig => ({
  store: storeOf(env),
  schedule: env.BACKUP_SCHEDULE,
  fullSchedule: env.BACKUP_FULL_SCHEDULE,
  files: env.BACKUP_FILES ?? [],
  secretFiles,
  recipient: env.BACKUP_ENCRYPTION_RECIPIENT,
  identity: env.BACKUP_ENCRYPTION_IDENTITY,
  keepDaily: env.BACKUP_KEEP_DAILY,
  keepWeekly: env.BACKUP_KEEP_WEEKLY,
  keepDays: env.BACKUP_KEEP_DAYS,
  cpuShare: env.BACKUP_CPU_SHARE,
  tempDir: env.BACKUP_TEMP_DIR ?? tmpdir(),
});
