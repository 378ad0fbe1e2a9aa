import type { IdentitiesConfig } from '../../shared/config/identity/types.ts';
import type { AuthenticationMethod } from '../../shared/identity/identity.ts';
import { consumerClient, isConsumerClient } from '../../shared/limits/client-key.ts';

/** Whether a consumer can have a credential of one kind: `stored`: a key that is not in the configuration may be its. */
export type Proof = 'good' | 'stored' | 'ended' | 'none';

/** What the configuration says of a consumer. */
export interface KnownConsumer {
  readonly name: string;
  readonly isConfigured: boolean;
  readonly disabled: boolean;
  readonly groups: readonly string[];
  /** What its credential says may be others. */
  readonly mayHaveOtherGroups: boolean;
  readonly mayHaveScopes: boolean;
  readonly proofs: Readonly<Record<AuthenticationMethod, Proof>>;
}

/** The consumer that a text or the name of its buckets means; `undefined` = it means none. */
export function consumerMeant(
  text: string,
  client: string | undefined,
  { consumers }: Pick<IdentitiesConfig, 'consumers'>,
): string | undefined {
  const named = consumers.find(({ name }) => name === text || consumerClient(name) === client);
  if (named !== undefined) return named.name;
  if (client === undefined || !isConsumerClient(client)) return undefined;
  return consumerClient(text) === client ? text : decoded(client.slice(consumerClient('').length));
}

/** As it was before it became part of a bucket's name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // the hash of a long one, or bytes that are no text
  }
}

/** @param nowMs time of day */
export function knownConsumer(identities: IdentitiesConfig, name: string, nowMs: number): KnownConsumer {
  const own = identities.consumers.find((each) => each.name === name);
  const issuer = identities.issuers.find((each) => name.startsWith(`${each.name}~`));
  const authority = identities.authorities.find((each) => name.startsWith(`${each.name}~`));
  const mayBeStored = identities.apiKeys !== 'file';
  const keys = (own?.keys ?? []).map(
    ({ disabled, expiresAtMs }) => !disabled && (expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs,
  );
  const certificates = (own?.certificates ?? []).map(({ disabled }) => !disabled);
  return {
    name,
    isConfigured: own !== undefined,
    disabled: own?.disabled ?? false,
    groups: [...(own?.groups ?? []), ...(authority?.groups ?? [])],
    mayHaveOtherGroups: mayBeStored || issuer?.groupsClaim !== undefined,
    mayHaveScopes: issuer !== undefined,
    proofs: {
      api_key: identities.apiKeys !== 'redis' && keys.includes(true) ? 'good' : mayBeStored ? 'stored' : ended(keys),
      jwt: issuer === undefined ? 'none' : 'good',
      certificate: authority !== undefined || certificates.includes(true) ? 'good' : ended(certificates),
    },
  };
}

/** @param all none of which is good */
const ended = (all: readonly boolean[]): Proof => (all.length === 0 ? 'none' : 'ended');
