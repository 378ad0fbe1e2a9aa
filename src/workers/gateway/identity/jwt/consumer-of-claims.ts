import type { Identity } from '../../../../shared/identity/identity.ts';
import type { IssuerConfig } from '../../../../shared/config/identity/types.ts';

/** Claims of a token that was verified. */
export type Claims = Readonly<Record<string, unknown>>;

/** Of groups or scopes; a token that has more is one of ours no more than one without a consumer. */
const MOST_NAMES = 200;
/** OpenID Connect Core, section 2: of a `sub`. */
const LONGEST_NAME = 255;
const BLANKS = / +/;

/**
 * Whom a verified token belongs to: `<issuer>~<consumer>`. With the issuer's name in front, which has no `~`, a
 * token never takes the bucket of another issuer's consumer or of one who is named by an address or a hash, whatever its
 * claims say; that of a configured consumer only where the configuration has this very name.
 * @returns `undefined`: the claim that names the consumer is missing or no name
 */
export function identityOfClaims(
  claims: Claims,
  issuer: IssuerConfig,
  profiles: ReadonlySet<string>,
): Identity | undefined {
  const consumer = nameIn(claimOf(claims, issuer.consumerClaim));
  const groups = namesIn(issuer.groupsClaim === undefined ? undefined : claimOf(claims, issuer.groupsClaim), BLANKS);
  const scopes = namesIn(claims['scope'] ?? claims['scp'], BLANKS);
  if (consumer === undefined || groups === undefined || scopes === undefined) return undefined;
  const wanted = issuer.profileClaim === undefined ? undefined : claimOf(claims, issuer.profileClaim);
  const { exp } = claims;
  return Object.freeze({
    consumer: `${issuer.name}~${consumer}`,
    profile: typeof wanted === 'string' && profiles.has(wanted) ? wanted : issuer.profile,
    groups,
    scopes,
    method: 'jwt',
    expiresAtMs: typeof exp === 'number' ? exp * 1_000 + issuer.clockSkewMs : Number.POSITIVE_INFINITY,
    keyHash: '',
  });
}

/** A claim by its name; where there is none of that name, dots lead into objects: `realm_access.roles`. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

function nameIn(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_NAME) return undefined;
  // Half a surrogate pair has no bytes: two such names would be one.
  return Buffer.from(value).toString() === value ? value : undefined;
}

/** A list of names, also as one text. @returns `undefined` for more than anybody has */
function namesIn(value: unknown, separator: RegExp): readonly string[] | undefined {
  const items: readonly unknown[] =
    typeof value === 'string' ? value.split(separator) : Array.isArray(value) ? value : [];
  if (items.length > MOST_NAMES) return undefined;
  return Object.freeze(items.filter((item) => typeof item === 'string').filter((item) => item !== ''));
}
