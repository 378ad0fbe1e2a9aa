import type { BackupStoreConfig } from '../config/backups/types.ts';
import type { BackupStore } from './backup-store.ts';
import { DirectoryStore } from './directory-store.ts';

/** The place that the configuration names. */
export async function openStore(config: BackupStoreConfig): Promise<BackupStore> {
  switch (config.kind) {
    case 'directory':
      return new DirectoryStore(config.path);
    case 's3': {
      const { openS3Store } = await import('./s3-store.ts');
      return openS3Store(config);
    }
    default:
      return config satisfies never;
  }
}
