import { isToken } from './field.ts';

/** The longest registered method has 17 characters (`UPDATEREDIRECTREF`); more than this is none. */
export const MAX_METHOD_LENGTH = 32;

/**
 * What to do with a request method: `forward` it; `refused` (CONNECT, TRACE: 405, never reach an upstream); `invalid`
 * (no token, or too long: 400). Any token is a method, whether we know it or not; `PRI` only exists to be an HTTP/2
 * preface (RFC 9113 11.3). Case matters (RFC 9110 9.1): `get` is not `GET`.
 *
 * @param method as it was on the wire, not lower-cased
 */
export function classifyMethod(method: string): 'forward' | 'refused' | 'invalid' {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
    case 'OPTIONS':
      return 'forward';
    case 'CONNECT':
    case 'TRACE':
      return 'refused';
    case 'PRI':
      return 'invalid';
    default:
      return method.length <= MAX_METHOD_LENGTH && isToken(method) ? 'forward' : 'invalid';
  }
}

/** Whether a request asks for nothing but an answer (RFC 9110 9.2.1), of those that everybody knows. */
export const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/**
 * Whether sending a request twice is the same as once (RFC 9110 9.2.2). Only methods where the second answer
 * also is as good as the first are listed: WebDAV's MOVE is idempotent by name, but its repetition answers 404.
 */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
    case 'PROPFIND':
    case 'REPORT':
    case 'SEARCH':
    case 'QUERY':
      return true;
    default:
      return false;
  }
}
