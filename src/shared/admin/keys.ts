import { z } from 'zod';

const time = z.iso.datetime();
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_PHRASE = 'letters, digits, ".", "_" and "-", at most 64, the first a letter or digit';
const name = z.string().regex(NAME, NAME_PHRASE);

/** How long a key that was replaced may go on, in seconds: a week at most. */
export const KEEP_SECONDS = { default: 86_400, most: 604_800 } as const;
/** Keys in one answer. */
export const LISTED_KEYS = 1_000;

const apiKey = z.object({
  id: z.string().describe('First 16 digits of the SHA-256 of the key.'),
  consumer: z.string(),
  profile: z.string().describe("Empty: its consumer's."),
  groups: z.array(z.string()),
  state: z.enum(['active', 'replaced', 'expired', 'revoked']).describe('replaced: it goes on until revokedAt.'),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});
export type ApiKeyView = z.infer<typeof apiKey>;

const scope = z.enum(['cluster', 'node']).describe('node: the other nodes do not know yet, Redis cannot be asked.');

/** GET /admin/keys */
export const keysAnswer = z.object({
  scope,
  state: z.enum(['well', 'lost', 'away']).describe('lost, away: keys that this node does not know get 503.'),
  total: z.number().describe('That match; more than are listed, perhaps.'),
  keys: z.array(apiKey),
});
export type KeysAnswer = z.infer<typeof keysAnswer>;

/** POST /admin/keys */
export const keyWish = z.strictObject({
  consumer: name,
  profile: name.optional().describe("Default: its consumer's."),
  groups: z.array(name).max(16).optional(),
  expiresAt: time.optional().describe('Default: never.'),
});
export type KeyWish = z.infer<typeof keyWish>;

/** POST /admin/keys/{key} */
export const keyChange = z.strictObject({
  replace: z.literal(true),
  keep: z
    .int()
    .min(0)
    .max(KEEP_SECONDS.most)
    .optional()
    .describe(`Seconds for which the old key goes on; default ${KEEP_SECONDS.default}.`),
});
export type KeyChange = z.infer<typeof keyChange>;

/** A key that was made: the only answer that ever holds it. */
export const madeKeyAnswer = z.object({ scope, key: z.string(), made: apiKey, replaced: apiKey.nullable() });
export type MadeKeyAnswer = z.infer<typeof madeKeyAnswer>;

/** DELETE /admin/keys/{key} */
export const revokedKeyAnswer = z.object({ scope, revoked: apiKey });
