import { z } from 'zod';
import { CONFIG_STORES } from '../config/words.ts';

/** What is pushed at once; as much as one file may be. */
export const MOST_CONFIG_BYTES = 4 * 1024 * 1024;
const MOST_FILES = 256;

const fileName = z
  .string()
  .regex(/^\w[\w.-]{0,119}\.ya?ml$/, 'a name such as gateway.yaml, of letters, digits, ".", "_" and "-"');
const comment = z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{0,200}$/u, 'one line of up to 200 characters');

/** Body of PUT /admin/config: the YAML of a whole configuration. */
export const configPush = z.strictObject({
  files: z
    .array(z.strictObject({ name: fileName, text: z.string() }))
    .min(1, 'at least one file')
    .max(MOST_FILES, `at most ${MOST_FILES} files`)
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'names that differ'),
  comment: comment.optional(),
});
export type ConfigPush = z.infer<typeof configPush>;

/** Body of POST /admin/config/rollback. */
export const configRollback = z.strictObject({
  /** Default: the one before that in use. */
  version: z.int('a whole number').min(1, 'a number from 1').optional(),
  comment: comment.optional(),
});
export type ConfigRollback = z.infer<typeof configRollback>;

/** One thing that differs; values as JSON, secrets masked, long ones cut. */
const difference = z.object({
  /** Such as `routes[orders].limits.cost`. */
  path: z.string(),
  change: z.enum(['added', 'changed', 'removed']),
  before: z.string().optional(),
  after: z.string().optional(),
});
export type Difference = z.infer<typeof difference>;

export const configPushAnswer = z.object({
  /** The version in use now, of a trial that of before; 0 = none was ever pushed. */
  version: z.int(),
  /** Nothing was changed. */
  dryRun: z.boolean(),
  changes: z.array(difference),
  /** Differences beyond those. */
  omitted: z.int(),
  /** Settings that differ and are only taken up by a restart. */
  needsRestart: z.array(z.string()),
  /** What works but is hardly meant. */
  warnings: z.array(z.string()),
  /** Every request thread of this node uses it. */
  complete: z.boolean(),
});
export type ConfigPushAnswer = z.infer<typeof configPushAnswer>;

export const configHistoryAnswer = z.object({
  store: z.enum(CONFIG_STORES),
  /** In use on this node; 0 = none was ever pushed. */
  version: z.int(),
  /** The newest first. */
  versions: z.array(
    z.object({
      version: z.int(),
      at: z.iso.datetime(),
      by: z.string(),
      comment: z.string(),
      changes: z.string(),
      files: z.array(z.string()),
    }),
  ),
  /** Those that share them, and which each has. */
  nodes: z.array(z.object({ node: z.string(), version: z.int() })),
});
export type ConfigHistoryAnswer = z.infer<typeof configHistoryAnswer>;
