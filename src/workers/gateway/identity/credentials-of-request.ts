import type { RequestHead } from '../exchange/request-head.ts';
import type { ClientCertificate } from './certificates/client-certificate.ts';

/** The credentials that a request has, one of a method at most; '' = none. */
export interface Presented {
  api_key: string;
  jwt: string;
  certificate: ClientCertificate | '';
}

export type Credential = Exclude<Presented[keyof Presented], ''>;

/** Why a request is refused that leaves open which of several credentials counts. */
export const REPEATED_CREDENTIAL = 'There are two credentials of the same kind.';

export interface CredentialPlaces {
  readonly takesKeys: boolean;
  readonly takesTokens: boolean;
  /** Lower case. */
  readonly apiKeyHeader: string;
  readonly queryParameter: string | undefined;
}

const AUTHORIZATION = 'authorization';
const BEARER = /^bearer[ \t]+/i;

/** Reads the credentials in the fields; `undefined` = there are two of a kind. */
export function credentialsIn(head: RequestHead, places: CredentialPlaces): Presented | undefined {
  const presented: Presented = {
    api_key: places.takesKeys ? (head.header(places.apiKeyHeader) ?? '') : '',
    jwt: places.takesTokens ? bearerToken(head.header(AUTHORIZATION)) : '',
    certificate: '',
  };
  if (places.queryParameter === undefined || head.query === undefined) return presented;
  return addFromQuery(presented, head.query, places) ? presented : undefined;
}

function bearerToken(field: string | undefined): string {
  if (field === undefined) return '';
  if (field.startsWith('Bearer ') && field.charCodeAt(7) !== 0x20) return field.slice(7);
  const scheme = BEARER.exec(field);
  return scheme === null ? '' : field.slice(scheme[0].length);
}

function addFromQuery(presented: Presented, query: string, places: CredentialPlaces): boolean {
  const { queryParameter: name = '', takesKeys, takesTokens } = places;
  let found = false;
  for (const part of query.split('&')) {
    if (nameOf(part) !== name) continue;
    const value = decoded(part.slice(part.includes('=') ? part.indexOf('=') + 1 : part.length));
    // A token has dots, a key of ours has none; where only one of the two is taken it is that.
    const isToken = takesTokens && (!takesKeys || value.includes('.'));
    const method = isToken ? 'jwt' : 'api_key';
    if (found || presented[method] !== '') return false;
    found = true;
    presented[method] = value;
  }
  return true;
}

/** The query without the parameter, however that is written. */
export const withoutParameter = (query: string, name: string): string =>
  query
    .split('&')
    .filter((part) => nameOf(part) !== name)
    .join('&');

const nameOf = (part: string): string => decoded(part.includes('=') ? part.slice(0, part.indexOf('=')) : part);

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no good credential has such a text
  }
}

/**
 * The lines without the one field of this name, which has this value; there is no other of the name.
 * @param name lower case
 */
export function withoutField(fields: string, name: string, value: string): string {
  // Its value is what no other line is likely to have.
  const at = fields.indexOf(`: ${value}\r\n`);
  if (at !== -1) {
    const start = at - name.length;
    const isLine = start === 0 || fields.charCodeAt(start - 1) === 0x0a;
    if (isLine && fields.slice(start, at).toLowerCase() === name) {
      return fields.slice(0, start) + fields.slice(at + value.length + 4);
    }
  }
  return withoutName(fields, name);
}

function withoutName(fields: string, name: string): string {
  for (let start = 0; start < fields.length;) {
    const end = fields.indexOf('\r\n', start) + 2;
    if (fields.slice(start, fields.indexOf(':', start)).toLowerCase() === name) {
      return fields.slice(0, start) + fields.slice(end);
    }
    start = end;
  }
  return fields;
}
