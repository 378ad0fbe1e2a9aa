import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** An issuer that publishes its keys, as it says for now. */
export interface TokenIssuer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Requests so far. */
  readonly asked: () => number;
  publish(...keys: readonly SigningKey[]): void;
  /** Answers in another way. */
  answer(listener: RequestListener): void;
  /** Nobody listens any more. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function tokenIssuer(...keys: readonly SigningKey[]): Promise<TokenIssuer> {
  const publishing =
    (set: string): RequestListener =>
    (_request, response) =>
      void response.setHeader('content-type', 'application/jwk-set+json').end(set);
  let listener = publishing(keySet(...keys));
  let count = 0;
  let port = 0;
  const server = createServer((request, response) => {
    count++;
    listener(request, response);
  });
  const up = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  await up();
  return {
    port,
    url: `http://127.0.0.1:${port}/keys`,
    asked: () => count,
    publish: (...next) => void (listener = publishing(keySet(...next))),
    answer: (next) => void (listener = next),
    down,
    up,
    [Symbol.asyncDispose]: down,
  };
}
