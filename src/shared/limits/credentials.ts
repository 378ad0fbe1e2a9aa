import { isUtf8 } from 'node:buffer';

/** Authentication schemes whose credentials can name a client. */
export type CredentialScheme = 'bearer' | 'basic';

/** What `credentialsOf` returns for credentials that two readers could understand differently. */
export const MALFORMED = '';

/** Scheme and credentials (RFC 9110 11.4), more blanks than the grammar has included. */
const FIELD = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]+(.*))?$/i;
/** One word; a reader that splits at blanks, commas or what it takes for blanks finds nothing else. */
const WORD = /^[!-+\--~]+$/;
const BASE64 = /^[A-Za-z0-9+/_-]+=*$/;
const JWT = /^([\w-]+\.[\w-]+\.)([\w-]*)=*$/;

/**
 * The credentials of one scheme in an Authorization field, the same text however they are written: the case of the
 * scheme, blanks, and spare bits of base64 do not count. They are not verified.
 *
 * @param field its value without blanks around it
 * @returns `undefined` where there are none of this scheme; MALFORMED
 */
export function credentialsOf(scheme: CredentialScheme, field: string): string | undefined {
  const [, given = '', rest = ''] = FIELD.exec(field) ?? [];
  if (given.toLowerCase() !== scheme) return undefined;
  if (rest === '') return undefined;
  return scheme === 'bearer' ? bearerToken(rest) : userAndPassword(rest);
}

/** A token as `credentialsOf` gives it. A JWT's signature has spare bits that no signature covers. */
export function bearerToken(text: string): string {
  if (!WORD.test(text)) return MALFORMED;
  const [, signed, signature = ''] = JWT.exec(text) ?? [];
  return signed === undefined ? text : signed + Buffer.from(signature, 'base64url').toString('base64url');
}

const COLON = 0x3a;
const isControl = (byte: number): boolean => byte < 0x20 || byte === 0x7f;

/** `user:password` (RFC 7617, section 2). */
function userAndPassword(base64: string): string {
  if (!BASE64.test(base64)) return MALFORMED;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.some(isControl) || !bytes.includes(COLON)) return MALFORMED;
  // No two credentials give the same text.
  return isUtf8(bytes) ? bytes.toString('utf8') : `\0${bytes.toString('latin1')}`;
}
