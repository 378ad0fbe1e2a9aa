import type { S3Url } from './s3-url.ts';

/** Backups of Redis and of files. They run where there is a store; what else it says holds for the commands too. */
export interface BackupsConfig {
  /** `undefined` = none are made by themselves. */
  readonly store: BackupStoreConfig | undefined;
  /** Cron, UTC. */
  readonly schedule: string;
  /** Cron, UTC. */
  readonly fullSchedule: string;
  /** Absolute; files and folders that a full backup holds beside Redis. */
  readonly files: readonly string[];
  /** Absolute; left out of `files` without a recipient. */
  readonly secretFiles: readonly string[];
  /** A public key of age: what is stored is encrypted for it. */
  readonly recipient: string | undefined;
  /** Secret. Its private key, where this machine may read its own backups. */
  readonly identity: string | undefined;
  /** How many of `redis` backups stay. */
  readonly keepDaily: number;
  /** How many of `full` ones. */
  readonly keepWeekly: number;
  /** How old they may become; 0 = any age. */
  readonly keepDays: number;
  /** Of one core, that compressing, encrypting and hashing may use. */
  readonly cpuShare: number;
  /** Absolute; holds a snapshot in the clear while a backup is made. */
  readonly tempDir: string;
}

export type BackupStoreConfig =
  | { readonly kind: 'directory'; /** Absolute. */ readonly path: string }
  | ({
      readonly kind: 's3';
      readonly region: string;
      /** Secret, as both are in files of the same kind. */
      readonly accessKeyId: string;
      /** Secret. */
      readonly secretAccessKey: string;
    } & S3Url);
