import { createPublicKey } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';

/** Algorithms of a token's signature (RFC 7518, RFC 8037, RFC 9864): with a key pair all of them, so that no text is ever a secret. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** One key of an issuer, as plain data: public members only. */
export interface PublicKey {
  /** `undefined`: the issuer gives it none, and any token may be signed with it. */
  readonly kid: string | undefined;
  /** What it may be used for, by its kind and by its own `alg`; at least one. */
  readonly algorithms: readonly TokenAlgorithm[];
  readonly jwk: JsonWebKey;
  /** Which key it is, whatever its `kid`: the same text for the same key (as RFC 7638). */
  readonly identity: string;
}

export type KeyText =
  | { readonly ok: true; readonly keys: readonly PublicKey[] }
  /** For people; nothing of the text. */
  | { readonly ok: false; readonly why: string };

/** More keys of one issuer are not read: real ones have a handful. */
const MOST_KEYS = 100;
const LONGEST_KID = 256;
/** RFC 7518, section 3.3; larger keys than these only cost time. */
const RSA_BITS = { least: 2_048, most: 8_192 } as const;

const RSA: readonly TokenAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
/** EdDSA with this curve and Ed25519 are two names of one thing. */
const ED25519: readonly TokenAlgorithm[] = ['EdDSA', 'Ed25519'];
const OF_CURVE: Readonly<Record<string, readonly TokenAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ED25519,
};
/** Members that make the key what it is, by `kty` (RFC 7638, section 3.2); the private ones are not among them. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

/**
 * Reads a JSON Web Key Set (RFC 7517, section 5). Keys for something else, of kinds or sizes that we do not use, and
 * secret ones are passed over, as the RFC asks; a set of which nothing is left is refused.
 */
export function readJwks(text: string): KeyText {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return { ok: false, why: 'it is not JSON' };
  }
  const members = isRecord(set) ? set['keys'] : undefined;
  if (!Array.isArray(members)) return { ok: false, why: 'it is no key set: it has no "keys"' };
  if (members.length > MOST_KEYS) return { ok: false, why: `it has more than ${MOST_KEYS} keys` };
  const keys = members.map(publicKeyOf).filter((key) => key !== undefined);
  return keys.length > 0 ? { ok: true, keys } : { ok: false, why: 'it has no key that a token could be verified with' };
}

/** Reads one public key or certificate in PEM, or several; without a name each of them is for any token. */
export function readPublicKeys(text: string): KeyText {
  if (text.includes('PRIVATE KEY-----')) return { ok: false, why: 'it is a private key' };
  const blocks = text.match(/-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----/g) ?? [];
  if (blocks.length === 0) return { ok: false, why: 'it is no public key in PEM' };
  const keys: PublicKey[] = [];
  for (const block of blocks) {
    try {
      const key = publicKeyOf(createPublicKey(block).export({ format: 'jwk' }));
      if (key === undefined) return { ok: false, why: 'it is a key that no token can be verified with' };
      keys.push(key);
    } catch {
      return { ok: false, why: 'it is no public key in PEM' };
    }
  }
  return { ok: true, keys };
}

function publicKeyOf(given: unknown): PublicKey | undefined {
  if (!isRecord(given)) return undefined;
  const { kty, kid, use, key_ops: operations, alg } = given;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return undefined;
  const names = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (names?.every((name) => typeof given[name] === 'string') !== true) return undefined;
  const jwk = Object.fromEntries(names.map((name) => [name, given[name]])) as JsonWebKey;
  const possible = algorithmsOf(jwk);
  const isSaid = (each: TokenAlgorithm): boolean =>
    each === alg || (possible === ED25519 && ED25519.some((one) => one === alg));
  const algorithms = alg === undefined ? possible : possible.filter(isSaid);
  if (algorithms.length === 0) return undefined;
  return { kid, algorithms, jwk, identity: JSON.stringify(jwk) };
}

function algorithmsOf(jwk: JsonWebKey): readonly TokenAlgorithm[] {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk, format: 'jwk' });
    const { kty, crv = '' } = jwk;
    if (kty !== 'RSA') return (Object.hasOwn(OF_CURVE, crv) ? OF_CURVE[crv] : undefined) ?? [];
    const bits = asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= RSA_BITS.least && bits <= RSA_BITS.most ? RSA : [];
  } catch {
    return [];
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
