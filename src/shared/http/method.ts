const MAX_METHOD_LENGTH = 32;

/**
 * What to do with a request method: `forward` it; `refused` (CONNECT, TRACE: 405, never reach an upstream);
 * `invalid` (not upper-case letters, digits and hyphens, 400). Every registered method is in that form but
 * `PRI`, which only exists to be an HTTP/2 preface (RFC 9113 11.3). Case matters (RFC 9110 9.1): `get` is not `GET`.
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
      return isPlainToken(method) ? 'forward' : 'invalid';
  }
}

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

function isPlainToken(method: string): boolean {
  if (method.length === 0 || method.length > MAX_METHOD_LENGTH) return false;
  for (let i = 0; i < method.length; i++) {
    const code = method.charCodeAt(i);
    const plain = (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x2d;
    if (!plain) return false;
  }
  return true;
}
