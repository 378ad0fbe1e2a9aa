import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';

/** One key pair of an issuer. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  /** Public, as it stands in a key set. */
  readonly jwk: JWK;
}

export const signingKey = async (kid: string, alg = 'ES256'): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
};

export const keySet = (...keys: readonly SigningKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/** Claims of every token that says nothing else. */
export const CLAIMS = { iss: 'https://idp.test/', aud: 'api', sub: 'device-1' } as const;

export interface TokenParts {
  /** Seconds since the epoch; `undefined` = it never ends. */
  readonly exp?: number | undefined;
  /** Over those of every token. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Over alg and kid. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Signs a token as an issuer does. */
export function signToken({ privateKey, alg, kid }: SigningKey, { exp, claims, header }: TokenParts): Promise<string> {
  const token = new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg, kid, ...header });
  return (exp === undefined ? token : token.setExpirationTime(exp)).sign(privateKey);
}

const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Header and claims as they are signed. */
export const unsigned = (header: unknown, claims: unknown): string => `${encoded(header)}.${encoded(claims)}`;
