import type { MatchConfig, NameValue } from '../config/rules/types.ts';

/** What is known of a request when its route is looked for. */
export interface Asked {
  /** A valid Host value, port and all. */
  readonly host: string;
  /** As on the wire. */
  readonly method: string;
  /** Header lines "name: value", each with its CRLF. */
  readonly fields: string;
  /** Without the `?`. */
  readonly query: string | undefined;
}

const COLON = 0x3a;

/** How many conditions there are: routes with more go first. */
export const countOf = (match: MatchConfig | undefined): number =>
  match === undefined ? 0 : match.headers.length + match.query.length;

/** Whether a request has all that a route asks for. */
export function meets(match: MatchConfig, { fields, query }: Asked): boolean {
  for (const header of match.headers) if (!hasField(fields, header)) return false;
  for (const parameter of match.query) if (query === undefined || !hasParameter(query, parameter)) return false;
  return true;
}

/** What a request has that meets them, and nothing else. */
export const whatMeets = (match: MatchConfig | undefined): Pick<Asked, 'fields' | 'query'> => ({
  fields: (match?.headers ?? []).map(({ name, value }) => `${name}: ${value}\r\n`).join(''),
  query: match?.query.map(({ name, value }) => [name, value].map(encodeURIComponent).join('=')).join('&'),
});

/** Whether header lines have the field, with that value. Two of one name leave open which the upstream goes by: they are like neither. */
export function hasField(fields: string, { name, value }: NameValue): boolean {
  let found = false;
  for (let start = 0; start < fields.length;) {
    const end = fields.indexOf('\r\n', start);
    const colon = start + name.length;
    if (fields.charCodeAt(colon) === COLON && fields.slice(start, colon).toLowerCase() === name) {
      if (found || fields.slice(colon + 2, end) !== value) return false;
      found = true;
    }
    start = end + 2;
  }
  return found;
}

function hasParameter(query: string, { name, value }: NameValue): boolean {
  let found = false;
  for (let start = 0; start <= query.length;) {
    const next = query.indexOf('&', start);
    const end = next === -1 ? query.length : next;
    const equals = query.indexOf('=', start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (decoded(query.slice(start, nameEnd)) === name) {
      if (found || decoded(query.slice(Math.min(nameEnd + 1, end), end)) !== value) return false;
      found = true;
    }
    start = end + 1;
  }
  return found;
}

/** As forms write it (WHATWG URL, section 5.1); what is no such text stays as it is. */
function decoded(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
