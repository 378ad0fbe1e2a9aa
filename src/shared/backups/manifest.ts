import { z } from 'zod';

/** `redis`: a snapshot of Redis; `full`: that and the files of BACKUP_FILES. */
export const BACKUP_KINDS = ['redis', 'full'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

/**
 * What a backup is. Its manifest is written last, as `<id>.manifest.json` beside the files that it names, so what has no
 * manifest is no backup. `id` is `<kind>-<slot as 20261126T020000Z>`, and sorts by time within a kind.
 */
export const MANIFEST = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  kind: z.enum(BACKUP_KINDS),
  /** ISO 8601. */
  slot: z.string(),
  finished: z.string(),
  node: z.string(),
  gatewayVersion: z.string(),
  files: z.array(
    z.strictObject({
      /** In the store. */
      name: z.string(),
      /** `rdb`: snapshot of one primary; `logical`: our keys by SCAN and DUMP; `files`: a tar of BACKUP_FILES. */
      content: z.enum(['rdb', 'logical', 'files']),
      /** Of a snapshot: host:port of the primary; of files: what they were. */
      source: z.string(),
      compression: z.literal('gzip'),
      /** The age recipient it is encrypted for, or null. */
      recipient: z.string().nullable(),
      /** As stored. */
      bytes: z.int().nonnegative(),
      sha256: z.string(),
      /** Before compression and encryption. */
      clearBytes: z.int().nonnegative(),
      clearSha256: z.string(),
      /** Version of the Redis it came from; null for files. */
      redisVersion: z.string().nullable(),
      /** By the snapshot's own account; null for files. */
      keys: z.int().nonnegative().nullable(),
    }),
  ),
  /** What was left out of `files` for want of a recipient. */
  leftOut: z.array(z.string()),
  verification: z.discriminatedUnion('result', [
    z.strictObject({
      result: z.literal('verified'),
      at: z.string(),
      /** Of the redis-server that loaded it. */
      redisVersion: z.string().nullable(),
      keysLoaded: z.int().nonnegative(),
      keysExpired: z.int().nonnegative(),
      valuesCompared: z.int().nonnegative(),
    }),
    z.strictObject({ result: z.literal('stored'), reason: z.string() }),
  ]),
});

export type Manifest = z.infer<typeof MANIFEST>;
