import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { Backups } from './start-backups.ts';

const NONE: Backups = {
  jobs: [],
  metrics: [],
  ofStore: () => new Map(),
  warnings: () => [],
  configure: () => {},
  close: () => {},
};

/** Where there is a place for backups and something to put there; else nothing is started, and nothing loaded. */
export async function composeBackups(first: Config, log: Log): Promise<Backups> {
  const { store, files } = first.backups;
  if (store === undefined || (first.redis === undefined && files.length === 0)) return NONE;
  const { startBackups } = await import('./start-backups.ts');
  return startBackups(first, log);
}
