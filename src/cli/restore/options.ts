import type { Access, BackupFile } from '../../shared/backups/fetch-clear.ts';
import type { Proof } from '../../shared/backups/verify/prove-rdb.ts';
import type { SessionOptions } from '../backup/session.ts';

export interface RestoreOptions extends SessionOptions {
  readonly id: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly buckets: boolean;
  readonly all: boolean;
  /** URL of a Redis. */
  readonly target?: string | undefined;
  /** Data directory of a Redis that is stopped. */
  readonly dir?: string | undefined;
  /** Of a backup of a cluster: whose snapshot goes into `dir`. */
  readonly source?: string | undefined;
}

/** A file of the backup that has been proved, where it lies in the clear. */
export interface Proved {
  readonly file: BackupFile;
  readonly clear: string;
  readonly proof: Proof;
}

/** What is known when everything has been checked. */
export interface Ready {
  readonly access: Access;
  readonly proved: readonly Proved[];
}
