import { z } from 'zod';
import { parseJson } from '../parse-json.ts';

/** What is stored of an API key, beside its hash; never the key. Nodes of other versions read it too: add, never rename. */
const record = z.object({
  /** What people call the key: short, unique. */
  id: z.string(),
  consumer: z.string(),
  /** '' = the consumer's own, or none. */
  profile: z.string().default(''),
  groups: z.array(z.string()).default([]),
  /** Wall clock, as all times here. */
  created_ms: z.number(),
  /** 0 = never. */
  expires_ms: z.number().default(0),
  /** 0 = it is not. What is revoked stays stored, so that no old copy brings it back. */
  revoked_ms: z.number().default(0),
  /** Grows with every change of the record. */
  revision: z.int().min(1).max(1e9).default(1),
});

export type KeyRecord = z.infer<typeof record>;

export const parseKeyRecord = (json: string): KeyRecord | undefined => parseJson(record, json);

/** Above every revision: a record that revokes wins over all that do not, however old the copy that has it. */
const REVOKED_RANK = 2 ** 31;

/** Of two records of a key, the one of the higher rank holds, on every node and in Redis; a whole number below 2^32. */
export const rankOf = ({ revision, revoked_ms: revokedMs }: KeyRecord): number =>
  revision + (revokedMs > 0 ? REVOKED_RANK : 0);

/** A key's hash with its record. */
export interface StoredKey {
  /** SHA-256 of the key in hex. */
  readonly hash: string;
  readonly record: KeyRecord;
}

export const isKeyHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
