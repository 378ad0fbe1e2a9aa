import type { BackupKind } from '../../shared/backups/manifest.ts';
import { readCatalog } from '../../shared/backups/catalog.ts';
import { openStore } from '../../shared/backups/open-store.ts';
import { openWorkDir } from '../../shared/backups/work-dir.ts';
import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { Job } from '../jobs/job.ts';
import type { MetricDefinition } from '../metrics/definition.ts';
import { BackupAbilities } from './backup-abilities.ts';
import { BackupJob } from './backup-job.ts';
import { backupMetrics } from './backup-metrics.ts';
import { BackupNumbers } from './backup-numbers.ts';
import type { KindNumbers } from './backup-numbers.ts';

/** Other nodes make backups too. */
const READ_EVERY_MS = 600_000;
const READ_WITHIN_MS = 60_000;

/** Backups, as the front has them. */
export interface Backups {
  readonly jobs: readonly Job[];
  readonly metrics: readonly MetricDefinition[];
  /** What lies in the store, by kind. */
  readonly ofStore: () => ReadonlyMap<BackupKind, KindNumbers>;
  /** What an operator should know of them; empty: nothing. */
  warnings(): readonly string[];
  configure(config: Config): void;
  close(): void;
}

/** @see composeBackups */
export function startBackups(first: Config, log: Log): Backups {
  let config = first;
  const numbers = new BackupNumbers();
  const stop = new AbortController();
  const readStore = async (): Promise<void> => {
    const { backups } = config;
    if (backups.store === undefined) return;
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(READ_WITHIN_MS)]);
    try {
      const place = await openStore(backups.store);
      await using work = await openWorkDir(backups.tempDir);
      const { backups: listed, broken } = await readCatalog(place, { tempDir: work.path, signal });
      numbers.read(listed);
      if (broken.length > 0) log.warn({ broken, where: place.where }, 'backups are not whole');
    } catch (error) {
      if (!stop.signal.aborted) log.warn({ err: error }, 'the backups that there are cannot be listed');
    }
  };
  const again = setInterval(() => void readStore(), READ_EVERY_MS).unref();
  void readStore();
  const parts = { config: () => config, numbers, abilities: new BackupAbilities(), inTurn: inTurn(), readStore, log };
  const jobs = [...(first.redis === undefined ? [] : [new BackupJob('redis', parts)]), new BackupJob('full', parts)];
  return {
    jobs,
    metrics: backupMetrics(numbers),
    ofStore: () => numbers.ofStore,
    warnings: () => [...numbers.warnings, ...jobs.flatMap(({ warnings }) => warnings)],
    configure: (next) => (config = next),
    close: () => {
      clearInterval(again);
      stop.abort();
    },
  };
}

/** One after the other, whatever becomes of those before. */
function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };
}
