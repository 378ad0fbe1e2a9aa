import type { BackupStoreConfig } from '../config/backups/types.ts';
import type { BackupStore } from './backup-store.ts';
import { DirectoryStore } from './directory-store.ts';

/** The place that the configuration names. */
export async function openStore(config: BackupStoreConfig): Promise<BackupStore> {
  switch (config.kind) {
    case 'directory':
      return new DirectoryStore(config.path);
    case 's3':
      throw new Error('this version does not store in S3 yet');
    default:
      return config satisfies never;
  }
}
