/** Longer ones are refused unread: no issuer makes them, and every request would carry them. */
const LONGEST_TOKEN = 8_192;
const LONGEST_KID = 256;
/** JWS compact serialization (RFC 7515, section 3.1): an unsigned token has no third part, an encrypted one has five. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What a token says of itself before anything of it is verified; good for choosing a key, and for nothing else. */
export interface TokenClaims {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly iss: string;
  /** Seconds since the epoch. */
  readonly exp: number | undefined;
}

/** Whether it can be a signed token at all. */
export const isToken = (text: string): boolean => text.length <= LONGEST_TOKEN && COMPACT.test(text);

/**
 * Reads header and claims of what `isToken`. Members that would lead to a key elsewhere (`jku`, `x5u`, `jwk`, `x5c`) are
 * not looked at; `crit` means that there is something we would have to understand (RFC 7515, section 4.1.11).
 * @returns `undefined`: no key can be chosen for it
 */
export function readToken(token: string): TokenClaims | undefined {
  const [first = '', second = ''] = token.split('.', 2);
  const header = readPart(first);
  const claims = readPart(second);
  if (header === undefined || claims === undefined || 'crit' in header) return undefined;
  const { alg, kid } = header;
  const { iss, exp } = claims;
  if (typeof alg !== 'string' || typeof iss !== 'string') return undefined;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return undefined;
  return { alg, kid, iss, exp: typeof exp === 'number' ? exp : undefined };
}

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
