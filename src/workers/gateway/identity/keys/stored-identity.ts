import type { IdentitiesConfig } from '../../../../shared/config/identity/types.ts';
import type { Identity, Verdict } from '../../../../shared/identity/identity.ts';

/** Whose a stored key is. */
export type StoredIdentity = Pick<Identity, 'consumer' | 'profile' | 'groups' | 'expiresAtMs' | 'keyHash'>;

/**
 * What the configuration makes of stored keys. A key whose profile is not there any more is not refused for it, as its
 * client would throw it away, nor let in without limits.
 */
export function storedIdentities({ profiles }: Pick<IdentitiesConfig, 'profiles'>): (found: StoredIdentity) => Verdict {
  const names = new Set(profiles.map(({ name }) => name));
  return (found) =>
    found.profile === '' || names.has(found.profile)
      ? { ...found, scopes: [], method: 'api_key' }
      : 'identity_unavailable';
}
