import type { ErrorCode } from '../../../../shared/errors.ts';
import { isValidHost } from '../../../../shared/http/host.ts';
import { MAX_METHOD_LENGTH } from '../../../../shared/http/method.ts';
import { CR, latin1, LF, SP, TOKEN_BYTE } from '../../upstream/http-bytes.ts';

/** What `parse` returns for bytes that may still become a head. */
export const INCOMPLETE = 0;
/** What `parse` returns for bytes that are not, and cannot become, a head that may be served. */
export const MALFORMED = -1;

/** Devices that end a body with `println` send one; more than a few are no accident. */
export const MAX_EMPTY_LINES = 4;

/** Why a request is refused before any route is looked for. */
export type FaultCode = Extract<
  ErrorCode,
  'bad_request' | 'header_too_large' | 'uri_too_long' | 'http_version_not_supported'
>;

const SLASH = 0x2f;
const QUESTION = 0x3f;
const ZERO = 0x30;

/** 0 where a byte may not stand in a request target: printable ASCII without `#` (RFC 9112 3.2, RFC 3986). */
const TARGET_BYTE = new Uint8Array(256).fill(1, 0x21, 0x7f);
TARGET_BYTE[0x23] = 0;
TARGET_BYTE[QUESTION] = 2;

/** What follows the target; each 0 stands for any digit. */
const VERSION = Buffer.from(' HTTP/0.0\r\n');
const MAJOR_AT = 6;
const MINOR_AT = 8;

/** Authority, path and query of a target in absolute-form (RFC 9112 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?]*)([^?]*)(?:\?(.*))?$/i;

const BAD_LINE = 'The request line is not "METHOD target HTTP/1.1" with one space between each.';
const BAD_TARGET = 'The request target is malformed.';

/** Reads past the empty lines (at most 4) that a server should not mind before a request line (RFC 9112 2.2). */
export function skipEmptyLines(bytes: Buffer, from: number, limit: number): number {
  const last = from + 2 * MAX_EMPTY_LINES;
  let at = from;
  while (at < last && at + 1 < limit && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

/** The request line (RFC 9112 3), and what is wrong with a request. */
export class RequestStart {
  /** As it was on the wire; '' until it is known. */
  method = '';
  /** The target's path as it came, `*` of `OPTIONS *`, or the authority that CONNECT asks for. */
  path = '';
  query: string | undefined;
  /** HTTP/1.2 and higher are read as 1.1, the highest version we speak. */
  minorVersion: 0 | 1 = 1;
  /** A sentence for the client; set = the request must be refused, and nothing behind it may be read. */
  fault: string | undefined;
  /** Means something only where `fault` is set. */
  faultCode: FaultCode = 'bad_request';
  /** The authority of a target in absolute-form, which replaces Host (RFC 9112 3.2.2). */
  protected targetHost: string | undefined;

  protected resetStart(): void {
    this.method = '';
    this.path = '';
    this.query = undefined;
    this.minorVersion = 1;
    this.fault = undefined;
    this.faultCode = 'bad_request';
    this.targetHost = undefined;
  }

  /** @returns MALFORMED, so that a reader may return what this does */
  protected refuse(fault: string, code: FaultCode = 'bad_request'): typeof MALFORMED {
    this.fault = fault;
    this.faultCode = code;
    return MALFORMED;
  }

  /** Returns the index after the request line, INCOMPLETE or MALFORMED. */
  protected parseStart(bytes: Buffer, from: number, limit: number): number {
    let at = from;
    while (at < limit && TOKEN_BYTE[bytes[at] as number] === 1) at++;
    if (at - from > MAX_METHOD_LENGTH) return this.refuse('The method is longer than 32 bytes.');
    if (at >= limit) return INCOMPLETE;
    // The first half of an empty line, perhaps.
    if (bytes[at] === CR && at === from && at + 1 === limit) return INCOMPLETE;
    if (bytes[at] !== SP || at === from) return this.refuse(BAD_LINE);
    this.method = methodText(bytes, from, at);

    const target = ++at;
    let question = 0;
    while (at < limit) {
      const kind = TARGET_BYTE[bytes[at] as number] as number;
      if (kind !== 1) {
        if (kind === 0) break;
        if (question === 0) question = at;
      }
      at++;
    }
    if (at >= limit) return INCOMPLETE;
    if (bytes[at] !== SP) return this.refuse(bytes[at] === CR ? BAD_LINE : BAD_TARGET);
    if (at === target) return this.refuse(BAD_LINE);
    if (bytes[target] !== SLASH || this.method === 'CONNECT') {
      if (!this.#takeOtherForm(latin1(bytes, target, at))) return this.refuse(BAD_TARGET);
    } else if (question === 0) {
      this.path = latin1(bytes, target, at);
    } else {
      this.path = latin1(bytes, target, question);
      this.query = latin1(bytes, question + 1, at);
    }
    return this.#parseVersion(bytes, at, limit);
  }

  /** Any target that does not start with a slash (RFC 9112 3.2.2–3.2.4). */
  #takeOtherForm(target: string): boolean {
    if (this.method === 'CONNECT') {
      this.path = target;
      return isValidHost(target) && /:[0-9]+$/.test(target);
    }
    if (target === '*') {
      this.path = target;
      return this.method === 'OPTIONS' || this.method === 'PRI'; // the preface of HTTP/2, told so by its version
    }
    const [all, authority = '', path = '', query] = ABSOLUTE.exec(target) ?? [];
    if (all === undefined || !isValidHost(authority)) return false;
    this.targetHost = authority;
    this.query = query;
    if (path !== '') this.path = path;
    else this.path = this.method === 'OPTIONS' && query === undefined ? '*' : '/';
    return true;
  }

  #parseVersion(bytes: Buffer, from: number, limit: number): number {
    for (let i = 0; i < VERSION.length; i++) {
      if (from + i >= limit) return INCOMPLETE;
      const byte = bytes[from + i] as number;
      const wanted = VERSION[i] as number;
      if (byte !== wanted && (wanted !== ZERO || byte < ZERO || byte > ZERO + 9)) return this.refuse(BAD_LINE);
    }
    if (bytes[from + MAJOR_AT] !== ZERO + 1) {
      return this.refuse('The gateway speaks HTTP/1.1 and HTTP/1.0 here.', 'http_version_not_supported');
    }
    this.minorVersion = bytes[from + MINOR_AT] === ZERO ? 0 : 1;
    return from + VERSION.length;
  }
}

/** The usual methods need no string made. */
function methodText(bytes: Buffer, start: number, end: number): string {
  const first = bytes[start];
  const length = end - start;
  if (length === 3 && first === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return 'GET';
  if (length === 4 && first === 0x50 && bytes[start + 1] === 0x4f && bytes[start + 2] === 0x53) {
    if (bytes[start + 3] === 0x54) return 'POST';
  }
  return latin1(bytes, start, end);
}
