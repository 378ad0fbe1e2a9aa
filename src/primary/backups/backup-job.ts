import { monotonicMs, wallClockMs } from '../../shared/clock.ts';
import type { BackupStore } from '../../shared/backups/backup-store.ts';
import { makeBackup } from '../../shared/backups/make-backup.ts';
import type { BackupKind, Manifest } from '../../shared/backups/manifest.ts';
import { openStore } from '../../shared/backups/open-store.ts';
import { tidyStore } from '../../shared/backups/prune.ts';
import { StepFailure } from '../../shared/backups/steps.ts';
import { TaskThreads } from '../../shared/backups/task-threads.ts';
import type { BackupsConfig } from '../../shared/config/backups/types.ts';
import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { Job, JobAbility, JobResult, JobRun } from '../jobs/job.ts';
import type { BackupAbilities } from './backup-abilities.ts';
import type { BackupNumbers } from './backup-numbers.ts';

const NAMES = { redis: 'redis-backup', full: 'full-backup' } as const satisfies Record<BackupKind, string>;
const TEXTS = {
  redis: 'a snapshot of Redis, restored on trial',
  full: 'a snapshot of Redis and the files of BACKUP_FILES, restored on trial',
} as const satisfies Record<BackupKind, string>;
const ATTEMPTS = 3;
const BACKOFF_MS = 60_000;

export interface BackupJobParts {
  /** As it is now. */
  readonly config: () => Config;
  readonly numbers: BackupNumbers;
  readonly abilities: BackupAbilities;
  /** Runs one after the other: all backups of a node together have one share of a core. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Reads what lies in the store now. */
  readonly readStore: () => Promise<void>;
  readonly log: Log;
}

/** Makes backups of a kind, and keeps as many of them as the configuration says. */
export class BackupJob implements Job {
  readonly name: string;
  readonly description: string;
  readonly attempts = ATTEMPTS;
  readonly backoffMs = BACKOFF_MS;
  readonly #kind: BackupKind;
  readonly #parts: BackupJobParts;
  #said = '';
  #can: JobAbility = 'able';

  constructor(kind: BackupKind, parts: BackupJobParts) {
    this.name = NAMES[kind];
    this.description = TEXTS[kind];
    this.#kind = kind;
    this.#parts = parts;
  }

  /** Of the configuration as it is now: the schedule is looked at once a minute. */
  get pattern(): string {
    const { schedule, fullSchedule } = this.#parts.config().backups;
    return this.#kind === 'redis' ? schedule : fullSchedule;
  }

  async ability(): Promise<JobAbility> {
    const { backups, redis } = this.#parts.config();
    const { can, reason } = await this.#parts.abilities.of(this.#kind, backups, redis);
    this.#can = can;
    if (reason !== this.#said) {
      this.#said = reason;
      const text = can === 'unable' ? 'this node makes no backups' : 'this node stores backups and cannot prove them';
      if (reason !== '') this.#parts.log.warn({ job: this.name, reason }, text);
    }
    return can;
  }

  /** What an operator should know of it; empty: nothing. */
  get warnings(): readonly string[] {
    return this.#can === 'unable' ? [`${this.name}: this node makes no backups: ${this.#said}`] : [];
  }

  async run(run: JobRun): Promise<JobResult> {
    return this.#parts.inTurn(() => this.#make(run));
  }

  async #make(run: JobRun): Promise<JobResult> {
    const { numbers, readStore, log } = this.#parts;
    const { backups, redis, node } = this.#parts.config();
    const startedMs = monotonicMs();
    await using tasks = new TaskThreads({ cpuShare: backups.cpuShare });
    const store = await this.#open(backups);
    const parts = { config: backups, redis, node: node.name, store, tasks };
    try {
      const request = { kind: this.#kind, slotMs: run.slotMs, signal: run.signal, report: run.report };
      const manifest = await makeBackup(parts, request);
      numbers.durations.set(this.#kind, (monotonicMs() - startedMs) / 1000);
      await this.#tidy(store, backups, run);
      await readStore();
      if (manifest.verification.result === 'stored') {
        log.warn({ backup: manifest.id, reason: manifest.verification.reason }, 'backup stored, not verified');
      }
      return resultOf(manifest, store);
    } catch (error) {
      if (error instanceof StepFailure && !run.signal.aborted) numbers.failed(error.step);
      throw error;
    }
  }

  async #open({ store }: BackupsConfig): Promise<BackupStore> {
    if (store === undefined) throw new StepFailure('prepare', new Error('there is no place for backups any more'));
    return openStore(store);
  }

  /** Too many backups are no reason to say that there is none. */
  async #tidy(store: BackupStore, config: BackupsConfig, run: JobRun): Promise<void> {
    run.report({ step: 'prune' });
    try {
      const { removed } = await tidyStore({ store, config }, { nowMs: wallClockMs(), signal: run.signal });
      if (removed.length > 0) this.#parts.log.info({ removed: removed.map(({ id }) => id) }, 'old backups removed');
    } catch (error) {
      if (run.signal.aborted) return;
      this.#parts.numbers.failed('prune');
      this.#parts.log.warn({ err: error }, 'old backups are not removed');
    }
  }
}

function resultOf(manifest: Manifest, store: BackupStore): JobResult {
  const { id, verification, files, leftOut } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const logical = files.some(({ content }) => content === 'logical') ? ', key by key' : '';
  const proved =
    verification.result === 'verified'
      ? `verified (${verification.keysLoaded} keys, ${verification.keysExpired} expired)`
      : `stored, not verified: ${verification.reason}`;
  const out = leftOut.length === 0 ? '' : `; ${leftOut.length} files with secrets left out`;
  return {
    summary: `${id} in ${store.where}, ${bytes} bytes${logical}, ${proved}${out}`,
    details: { backup: id, bytes, result: verification.result, leftOut: leftOut.length },
  };
}
