import type { BackupStore } from '../../shared/backups/backup-store.ts';

const refuse = (): Promise<never> => Promise.reject(new Error('nothing is stored here'));

/** For what goes into a local file alone. */
export const NO_STORE: BackupStore = {
  where: 'nowhere',
  keepsFirst: true,
  put: refuse,
  get: refuse,
  list: refuse,
  remove: refuse,
};
