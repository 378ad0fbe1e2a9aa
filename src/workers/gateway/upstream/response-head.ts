import { STATUS_CODES } from 'node:http';
import { keepAliveTimeoutMs, listMembers, rewriteFields } from './field-rules.ts';
import { COLON, COMMA, CR, HTAB, LF, matchesToken, OBS_TEXT, SP, TOKEN_BYTE, VALUE_BYTE } from './http-bytes.ts';

/** Most bytes of one response head, from the status line to its empty line. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** What `parse` returns for bytes that may still become a head. */
export const INCOMPLETE = 0;
/** What `parse` returns for bytes that are not, and cannot become, a head. */
export const MALFORMED = -1;

/** How every answer starts; the minor version follows. */
export const VERSION_PREFIX = Buffer.from('HTTP/1.');

/** "200 OK" by code: most answers carry the standard reason, and comparing is cheaper than making a string. */
const STATUS_LINES: (string | undefined)[] = [];
for (const [status, reason] of Object.entries(STATUS_CODES)) STATUS_LINES[Number(status)] = `${status} ${reason}`;

const CONNECTION = Buffer.from('connection');
const KEEP_ALIVE = Buffer.from('keep-alive');
const CLOSE = Buffer.from('close');
const CHUNKED = Buffer.from('chunked');
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const TIMEOUT = Buffer.from('timeout=');
/** Bytes of a `timeout=N` that is read without a string. */
const MAX_PLAIN_TIMEOUT = TIMEOUT.length + 5;

/** Dropped unread: hop-by-hop fields, and `date`, which our front writes itself. */
const DROPPED = ['te', 'date', 'trailer', 'upgrade', 'proxy-connection'].map((name) => Buffer.from(name));

/** Bit n is set where a field name of n bytes may be one of the above. */
const NOTABLE_LENGTHS = [CONNECTION, KEEP_ALIVE, CONTENT_LENGTH, TRANSFER_ENCODING, ...DROPPED].reduce(
  (bits, name) => bits | (1 << name.length),
  0,
);

/**
 * Runs of adjacent kept field lines of the head being parsed, as pairs [start, end). Shared by all parsers of the
 * thread, as parsing never waits. A run takes a kept and a removed line, so at least 9 bytes; this is ample.
 */
const runs = new Int32Array(MAX_HEAD_BYTES / 4);

const KEEP = 0;
const DROP = 1;
const REFUSE = 2;

/** A response head (RFC 9112 2–5), read strictly: CRLF line ends, no folding, no white space around names. */
export class ResponseHead {
  status = 0;
  /** "200 OK": the code, a space and the reason; the standard reason (or none) where the received one is missing or not printable ASCII. */
  statusLine = '';
  /** Fields to pass on as "name: value\r\nname2: value2", in order, each byte one char; hop-by-hop fields, content-length and date left out. */
  fields = '';
  /** `fields` holds a byte >= 0x80, so it must be written as bytes (latin1), not as a string. */
  fieldsNonAscii = false;
  /** Bytes, as declared; -1 where not declared. */
  contentLength = -1;
  /** From Keep-Alive: timeout=N; -1 where not given. */
  keepAliveTimeoutMs = -1;
  /** Transfer-Encoding: chunked was declared. */
  protected chunked = false;
  /** HTTP version and Connection allow another exchange on this connection. */
  protected persistent = false;
  #closes = false;
  #keepsAlive = false;
  /** Names in Connection fields other than close and keep-alive, lower case. */
  #listed: string[] | undefined;
  #valueStart = 0;
  #valueEnd = 0;

  /**
   * Reads one head from bytes [from, limit). Returns the index after it, INCOMPLETE or MALFORMED; the fields above mean
   * something only in the first case. Does not know about sizes: the caller bounds `limit`.
   */
  protected parse(bytes: Buffer, from: number, limit: number): number {
    const fieldsAt = this.#parseStatusLine(bytes, from, limit);
    return fieldsAt <= 0 ? fieldsAt : this.#parseFields(bytes, fieldsAt, limit);
  }

  #parseStatusLine(bytes: Buffer, from: number, limit: number): number {
    const have = Math.min(limit - from, VERSION_PREFIX.length);
    for (let i = 0; i < have; i++) {
      if (bytes[from + i] !== VERSION_PREFIX[i]) return MALFORMED;
    }
    if (limit - from < 14) return INCOMPLETE; // "HTTP/1.1 200\r\n"
    const minor = (bytes[from + 7] as number) - 0x30;
    const hundreds = (bytes[from + 9] as number) - 0x30;
    const tens = (bytes[from + 10] as number) - 0x30;
    const ones = (bytes[from + 11] as number) - 0x30;
    if ((minor !== 0 && minor !== 1) || bytes[from + 8] !== SP) return MALFORMED;
    if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return MALFORMED;

    let at = from + 12;
    let seen = 0;
    if (bytes[at] === SP) {
      at++;
      if (bytes[at] === SP || bytes[at] === HTAB) return MALFORMED;
      while (at < limit) {
        const kind = VALUE_BYTE[bytes[at] as number] as number;
        if (kind === 0) break;
        seen |= bytes[at] === HTAB ? OBS_TEXT : kind; // a tab is legal, but nothing to pass on either
        at++;
      }
    }
    if (at + 1 >= limit) return at === limit || bytes[at] === CR ? INCOMPLETE : MALFORMED;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return MALFORMED;

    this.status = hundreds * 100 + tens * 10 + ones;
    const usual = STATUS_LINES[this.status] ?? `${this.status} `;
    this.statusLine = seen !== 1 || holds(bytes, from + 9, usual) ? usual : bytes.toString('latin1', from + 9, at);
    this.persistent = minor === 1;
    return at + 2;
  }

  #parseFields(bytes: Buffer, from: number, limit: number): number {
    this.contentLength = -1;
    this.keepAliveTimeoutMs = -1;
    this.chunked = false;
    this.#closes = false;
    this.#keepsAlive = false;
    this.#listed = undefined;
    let at = from;
    let runCount = 0;
    let runStart = -1;
    let seen = 0; // classes of all bytes in kept values
    let untidy = false; // some kept line is not "name: value" as it stands
    for (;;) {
      if (at >= limit) return INCOMPLETE;
      if (bytes[at] === CR) {
        if (at + 1 >= limit) return INCOMPLETE;
        if (bytes[at + 1] !== LF) return MALFORMED;
        break;
      }
      const nameStart = at;
      while (at < limit && TOKEN_BYTE[bytes[at] as number] === 1) at++;
      if (at >= limit) return INCOMPLETE;
      // Not a colon: folding, white space before the colon, any other byte that cannot be in a name.
      if (bytes[at] !== COLON || at === nameStart) return MALFORMED;
      const colon = at++;
      let kinds = 0;
      while (at < limit) {
        const kind = VALUE_BYTE[bytes[at] as number] as number;
        if (kind === 0) break;
        kinds |= kind;
        at++;
      }
      if (at + 1 >= limit) return at >= limit || bytes[at] === CR ? INCOMPLETE : MALFORMED;
      if (bytes[at] !== CR || bytes[at + 1] !== LF) return MALFORMED;

      const nameLength = colon - nameStart;
      let fate = KEEP;
      if (nameLength < 32 && ((NOTABLE_LENGTHS >>> nameLength) & 1) === 1) {
        this.#trimValue(bytes, colon + 1, at);
        fate = this.#notable(bytes, nameStart, nameLength);
        if (fate === REFUSE) return MALFORMED;
      }
      if (fate === KEEP) {
        if (runStart < 0) runStart = nameStart;
        seen |= kinds;
        if (!isTidy(bytes, colon, at)) untidy = true;
      } else if (runStart >= 0) {
        runs[runCount++] = runStart;
        runs[runCount++] = nameStart - 2;
        runStart = -1;
      }
      at += 2;
    }
    // Both lengths at once is how responses are smuggled (RFC 9112 6.3, 11.1).
    if (this.chunked && this.contentLength >= 0) return MALFORMED;
    // RFC 9112 6.1: Transfer-Encoding in an HTTP/1.0 message means its framing is faulty.
    if (this.chunked && !this.persistent) return MALFORMED;
    if (runStart >= 0) {
      runs[runCount++] = runStart;
      runs[runCount++] = at - 2;
    }
    this.persistent = !this.#closes && (this.persistent || this.#keepsAlive);
    this.fields = joinRuns(bytes, runCount);
    this.fieldsNonAscii = (seen & OBS_TEXT) !== 0;
    if (untidy || this.#listed !== undefined) this.#rewrite();
    return at + 2;
  }

  #rewrite(): void {
    this.fields = this.fields === '' ? '' : rewriteFields(this.fields, this.#listed ?? []);
    this.fieldsNonAscii = /[\x80-\xff]/.test(this.fields);
  }

  #trimValue(bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start])) start++;
    while (end > start && isBlank(bytes[end - 1])) end--;
    this.#valueStart = start;
    this.#valueEnd = end;
  }

  /** Decides on a field whose name has the length of one that matters here; its value has been trimmed. */
  #notable(bytes: Buffer, name: number, length: number): typeof KEEP | typeof DROP | typeof REFUSE {
    if (length === 14) {
      return matchesToken(bytes, name, CONTENT_LENGTH) ? this.#contentLength(bytes) : KEEP;
    }
    if (length === 10) {
      if (matchesToken(bytes, name, CONNECTION)) return this.#connection(bytes);
      if (matchesToken(bytes, name, KEEP_ALIVE)) return this.#keepAlive(bytes);
      return KEEP;
    }
    if (length === 17) {
      return matchesToken(bytes, name, TRANSFER_ENCODING) ? this.#transferEncoding(bytes) : KEEP;
    }
    for (const dropped of DROPPED) {
      if (dropped.length === length && matchesToken(bytes, name, dropped)) return DROP;
    }
    return KEEP;
  }

  /** Refuses a repeated length and a list ("5, 5") even where the values agree: RFC 9110 8.6 allows it, and no sound server sends it. */
  #contentLength(bytes: Buffer): typeof DROP | typeof REFUSE {
    const digits = this.#valueEnd - this.#valueStart;
    if (this.contentLength >= 0 || digits === 0 || digits > 16) return REFUSE;
    let length = 0;
    for (let i = this.#valueStart; i < this.#valueEnd; i++) {
      const digit = (bytes[i] as number) - 0x30;
      if (digit < 0 || digit > 9) return REFUSE;
      length = length * 10 + digit;
    }
    if (length > Number.MAX_SAFE_INTEGER) return REFUSE;
    this.contentLength = length;
    return DROP;
  }

  #transferEncoding(bytes: Buffer): typeof DROP | typeof REFUSE {
    if (this.chunked || !this.#valueIs(bytes, CHUNKED)) return REFUSE;
    this.chunked = true;
    return DROP;
  }

  #connection(bytes: Buffer): typeof DROP {
    if (this.#valueIs(bytes, KEEP_ALIVE)) this.#keepsAlive = true;
    else if (this.#valueIs(bytes, CLOSE)) this.#closes = true;
    else {
      for (const option of listMembers(bytes.toString('latin1', this.#valueStart, this.#valueEnd))) {
        if (option === 'close') this.#closes = true;
        else if (option === 'keep-alive') this.#keepsAlive = true;
        else (this.#listed ??= []).push(option);
      }
    }
    return DROP;
  }

  /** "timeout=5" and "timeout=5, max=100" are what servers send, and Node's send it with every answer: read as bytes. */
  #keepAlive(bytes: Buffer): typeof DROP {
    const end = this.#valueEnd;
    let at = this.#valueStart + TIMEOUT.length;
    let seconds = 0;
    if (at < end && matchesToken(bytes, this.#valueStart, TIMEOUT)) {
      for (; at < end && at < this.#valueStart + MAX_PLAIN_TIMEOUT; at++) {
        const digit = (bytes[at] as number) - 0x30;
        if (digit < 0 || digit > 9) break;
        seconds = seconds * 10 + digit;
      }
    }
    const plain = seconds > 0 && (at === end || bytes[at] === COMMA);
    this.keepAliveTimeoutMs = plain
      ? seconds * 1000
      : keepAliveTimeoutMs(bytes.toString('latin1', this.#valueStart, end));
    return DROP;
  }

  #valueIs(bytes: Buffer, token: Uint8Array): boolean {
    return this.#valueEnd - this.#valueStart === token.length && matchesToken(bytes, this.#valueStart, token);
  }
}

/** Is `text` followed by the end of the line at `at`? */
function holds(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return bytes[at + text.length] === CR;
}

function isBlank(b: number | undefined): boolean {
  return b === SP || b === HTAB;
}

/** Is the line that ends at `end` written "name: value", with one space and none after the value? */
function isTidy(bytes: Buffer, colon: number, end: number): boolean {
  if (bytes[colon + 1] !== SP) return false;
  return end === colon + 2 || !(isBlank(bytes[colon + 2]) || isBlank(bytes[end - 1]));
}

/** The kept lines as one string. One trip to C++, then slices: they share its memory. */
function joinRuns(bytes: Buffer, runCount: number): string {
  if (runCount === 0) return '';
  const from = runs[0] as number;
  const last = runs[runCount - 1] as number;
  const all = bytes.toString('latin1', from, last);
  if (runCount === 2) return all;
  let joined = '';
  for (let i = 0; i < runCount; i += 2) {
    const end = runs[i + 1] as number;
    joined += all.slice((runs[i] as number) - from, end === last ? end - from : end - from + 2);
  }
  return joined;
}
