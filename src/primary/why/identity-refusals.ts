import type { RouteAllowConfig, RouteAuthenticationConfig } from '../../shared/config/identity/types.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import { ERRORS } from '../../shared/errors.ts';
import { lackOf } from '../../shared/identity/allowed.ts';
import type { KnownConsumer } from './known-consumer.ts';
import { word } from './reason.ts';
import type { Reason } from './reason.ts';
import { byStoredKeys, hasGood } from './stored-keys.ts';
import type { StoredKeys } from './stored-keys.ts';

/** Who is asked about, as far as credentials go. */
export interface IdentityAsked {
  readonly consumer: KnownConsumer | undefined;
  /** Of the consumer; `undefined` = nobody has looked, or could in time. */
  readonly storedKeys: StoredKeys | undefined;
  /** Issuers whose tokens nobody can verify now. */
  readonly keylessIssuers: readonly string[];
}

/** Whether it can prove who it is, and is meant by the route. */
export function byIdentity(
  { authentication }: RouteConfig,
  { consumer, storedKeys, keylessIssuers }: IdentityAsked,
): readonly Reason[] {
  if (authentication === undefined) return [];
  const { methods, anonymous, allow } = authentication;
  const ways = methods.join(', ');
  if (consumer === undefined) {
    if (anonymous) return [];
    const todo = 'Ask again with the name of its consumer.';
    const why = `a request without a credential (${ways}) is refused`;
    return [{ code: 'credentials_missing', certain: false, why, todo, retryAfterSeconds: 0 }];
  }
  const keys = methods.includes('api_key') ? storedKeys : undefined;
  return [
    ...byProof(consumer, { methods, anonymous, keys }),
    ...(methods.includes('jwt') ? byIssuer(consumer, methods, keylessIssuers) : []),
    ...byConsumer(consumer),
    ...byAllow(consumer, allow),
  ];
}

/** Whether its tokens can be verified at all. */
function byIssuer(
  { name, proofs }: KnownConsumer,
  methods: readonly (keyof KnownConsumer['proofs'])[],
  keyless: readonly string[],
): readonly Reason[] {
  const issuer = keyless.find((each) => name.startsWith(`${each}~`));
  if (issuer === undefined) return [];
  const certain = !methods.some((method) => method !== 'jwt' && proofs[method] === 'good');
  const why = `the keys of issuer ${issuer} cannot be had, so none of its tokens can be verified`;
  const todo = '"gateway status" says what is wrong with them.';
  return [{ code: 'identity_unavailable', certain, why, todo, retryAfterSeconds: RETRY_SECONDS }];
}

/** As ERRORS says it of the code. */
const RETRY_SECONDS = ERRORS.identity_unavailable.retryAfterSeconds ?? 0;

function byConsumer({ name, disabled }: KnownConsumer): readonly Reason[] {
  if (!disabled) return [];
  const todo = 'Take "disabled" out of the configuration, then "gateway reload".';
  const why = `the consumer ${name} is disabled in the configuration`;
  return [{ code: 'credentials_invalid', certain: true, why, todo, retryAfterSeconds: 0 }];
}

interface KeysTaken {
  /** Stored ones, where the route takes keys. */
  readonly keys: StoredKeys | undefined;
}

/** Whether it can have a credential of a kind that the route takes. */
function byProof(
  consumer: KnownConsumer,
  { methods, anonymous, keys }: Pick<RouteAuthenticationConfig, 'methods' | 'anonymous'> & KeysTaken,
): readonly Reason[] {
  const proofs = methods.map((method) => consumer.proofs[method]);
  const isGood = proofs.includes('good');
  if (keys !== undefined && (keys.asked !== undefined || isGood || hasGood(keys) || proofs.includes('stored'))) {
    return byStoredKeys(consumer, keys, isGood);
  }
  if (isGood) return [];
  const { name, isConfigured } = consumer;
  if (proofs.includes('stored')) {
    const why = `a key of ${name} has to be among those stored, and neither revoked nor over`;
    const todo = `"gateway key list --consumer ${word(name)}" shows them; "gateway key create ${word(name)}" makes one.`;
    return [{ code: 'credentials_invalid', certain: false, why, todo, retryAfterSeconds: 0 }];
  }
  if (proofs.includes('ended')) {
    const why = `every key and certificate of ${name} for this route (${methods.join(', ')}) is disabled or over`;
    const todo = 'Give it another in the configuration, then "gateway reload".';
    return [{ code: 'credentials_invalid', certain: true, why, todo, retryAfterSeconds: 0 }];
  }
  if (anonymous) return [];
  const what = isConfigured ? `${name} has no credential` : `the configuration knows no ${name} with a credential`;
  const why = `${what} that this route takes (${methods.join(', ')})`;
  const todo = 'Give it one in the configuration, or take another name: "gateway config" shows those there are.';
  return [{ code: 'credentials_missing', certain: true, why, todo, retryAfterSeconds: 0 }];
}

function byAllow(consumer: KnownConsumer, allow: RouteAllowConfig): readonly Reason[] {
  const { name, groups, mayHaveOtherGroups, mayHaveScopes } = consumer;
  const code = 'not_allowed' as const;
  const lack = lackOf({ ...allow, scopes: [] }, { consumer: name, groups, scopes: [] });
  if (lack === 'consumers') {
    const why = `allow.consumers of the route has ${allow.consumers.join(', ')}`;
    const todo = `Add ${name} to it, then "gateway reload".`;
    return [{ code, certain: true, why, todo, retryAfterSeconds: 0 }];
  }
  const reasons: Reason[] = [];
  if (lack === 'groups') {
    const has = groups.length === 0 ? 'in none by the configuration' : `in ${groups.join(', ')}`;
    const other = mayHaveOtherGroups ? '; its credential may say others' : '';
    reasons.push({
      code,
      certain: !mayHaveOtherGroups,
      why: `allow.groups of the route has ${allow.groups.join(', ')}, and ${name} is ${has}${other}`,
      todo: `Put it in one of them (groups of the consumer, or of its credential), then "gateway reload".`,
      retryAfterSeconds: 0,
    });
  }
  if (allow.scopes.length > 0) {
    const needed = allow.scopes.join(', ');
    reasons.push({
      code,
      certain: !mayHaveScopes,
      why: mayHaveScopes
        ? `its token has to have a scope of ${needed}`
        : `allow.scopes of the route has ${needed}, and only tokens have scopes: no issuer names ${name}`,
      todo: mayHaveScopes ? 'Let its issuer give it one.' : 'Let it come with a token, or change allow.scopes.',
      retryAfterSeconds: 0,
    });
  }
  return reasons;
}
