import type { ErrorCode } from '../../../shared/errors.ts';

/** Most of a body that goes back to a client; an answer that has more goes without it. */
export const MOST_DENIAL_BYTES = 64 * 1024;

/** It passes. */
interface Granted {
  readonly outcome: 'granted';
  /** What the upstream is told of it, each line with its CRLF, one char a byte. */
  readonly lines: string;
}

/** The authorizer's own answer goes back to the client. */
export interface Denied {
  readonly outcome: 'denied';
  readonly status: number;
  /** Its fields, each line with its CRLF, one char a byte. */
  readonly lines: string;
  /** One char a byte. */
  readonly body: string;
}

/** The authorizer has said nothing that counts. */
export interface Unavailable {
  readonly outcome: 'unavailable';
  /** What the client is told. */
  readonly code: 'authorizer_unavailable' | 'too_many_in_flight';
  /** For the log. */
  readonly reason: ErrorCode | 'other_status';
  readonly retryAfterSeconds: number;
}

/** What an authorizer has said of a request. */
export type AuthorizerWord = Granted | Denied | Unavailable;

/** What follows for the request. `passed`: nobody has said anything, and the route lets pass then. */
export type Authorization = AuthorizerWord | { readonly outcome: 'passed' };

/** Statuses of an answer that goes back to the client; of the redirects those that name a place to go to. */
const DENIALS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 401, 403]);

export const isGrant = (status: number): boolean => status >= 200 && status < 300;
export const isDenial = (status: number): boolean => DENIALS.has(status);

/** Of the fields of a denial those that a client needs to make something of it. */
const FOR_CLIENT: ReadonlySet<string> = new Set(['cache-control', 'location', 'set-cookie', 'www-authenticate']);
/** And those that say what its body is. */
const OF_BODY: ReadonlySet<string> = new Set(['content-encoding', 'content-language', 'content-type']);

/** @param fields as the parser has them: "name: value" with CRLF between. @param names lower case */
export function linesOf(fields: string, names: ReadonlySet<string>): string {
  let lines = '';
  for (const line of fields === '' ? [] : fields.split('\r\n')) {
    if (names.has(line.slice(0, line.indexOf(':')).toLowerCase())) lines += `${line}\r\n`;
  }
  return lines;
}

/** @param body `undefined` = it did not come whole, or is too long */
export function denialOf(status: number, fields: string, body: string | undefined): Denied {
  const lines = linesOf(fields, FOR_CLIENT);
  if (body === undefined || body === '') return { outcome: 'denied', status, lines, body: '' };
  return { outcome: 'denied', status, lines: lines + linesOf(fields, OF_BODY), body };
}

const CACHE_CONTROL = new Set(['cache-control']);
const SET_COOKIE = new Set(['set-cookie']);
const FORBIDS_KEEPING = /(?:^|[\s,:])no-(?:store|cache)(?:$|[\s,=])/i;
const MAX_AGE = /(?:^|[\s,:])max-age="?(\d{1,9})/i;

/** A session that is begun for one client is not for the next. */
export const setsCookies = (fields: string): boolean => linesOf(fields, SET_COOKIE) !== '';

/** How long an answer may be used again: as the route says, and less where Cache-Control (RFC 9111, section 5.2) says so. */
export function keptMs(fields: string, routeMs: number): number {
  if (routeMs === 0) return 0;
  const lines = linesOf(fields, CACHE_CONTROL);
  if (lines === '') return routeMs;
  if (FORBIDS_KEEPING.test(lines)) return 0;
  const maxAge = MAX_AGE.exec(lines);
  return maxAge === null ? routeMs : Math.min(routeMs, Number(maxAge[1]) * 1000);
}
