import { apiKeyHash } from '../../src/shared/identity/api-key.ts';
import type { StoredKey } from '../../src/shared/identity/key-record.ts';

/** The record of a key that is called as what it is made of; the key itself is its name. */
export const storedKey = (name: string, more: Partial<StoredKey['record']> = {}): StoredKey => ({
  hash: apiKeyHash(name),
  record: {
    id: name,
    consumer: `consumer-${name}`,
    profile: '',
    groups: [],
    created_ms: 1,
    expires_ms: 0,
    revoked_ms: 0,
    revision: 1,
    ...more,
  },
});
