import { STATUS_CODES } from 'node:http';
import { BOUNDS } from '../../../shared/config/numbers.ts';
import { rewriteFields } from './field-rules.ts';
import { FramingFields, KEEP, NOTABLE_LENGTHS, REFUSE } from './framing-fields.ts';
import type { HeadFacts, KnownHead } from './known-head.ts';
import {
  COLON,
  CR,
  HTAB,
  isBlank,
  latin1,
  LF,
  matchesToken,
  OBS_TEXT,
  SP,
  TOKEN_BYTE,
  VALUE_BYTE,
} from './http-bytes.ts';

/** The most bytes that one response head may be allowed, from the status line to its empty line. */
const MOST_HEAD_BYTES = BOUNDS.headerBytes.max;

/** What `parse` returns for bytes that may still become a head. */
export const INCOMPLETE = 0;
/** What `parse` returns for bytes that are not, and cannot become, a head. */
export const MALFORMED = -1;

/** How every answer starts; the minor version follows. */
export const VERSION_PREFIX = Buffer.from('HTTP/1.');

const RATELIMIT = Buffer.from('ratelimit');
const X_RATELIMIT = Buffer.from('x-ratelimit');
const X_RATE_LIMIT = Buffer.from('x-rate-limit');

/** "200 OK" by code: most answers carry the standard reason, and comparing is cheaper than making a string. */
const STATUS_LINES: (string | undefined)[] = [];
for (const [status, reason] of Object.entries(STATUS_CODES)) STATUS_LINES[Number(status)] = `${status} ${reason}`;

/**
 * Runs of adjacent kept field lines of the head being parsed, as pairs [start, end). Shared by all parsers of the
 * thread, as parsing never waits. A run takes a kept and a removed line, so at least 9 bytes; this is ample.
 */
const runs = new Int32Array(MOST_HEAD_BYTES / 4);

/** A response head (RFC 9112 2–5), read strictly: CRLF line ends, no folding, no white space around names. */
export class ResponseHead extends FramingFields {
  status = 0;
  /** "200 OK": the code, a space and the reason; the standard reason (or none) where the received one is missing or not printable ASCII. */
  statusLine = '';
  /** Fields to pass on as "name: value\r\nname2: value2", in order, each byte one char; hop-by-hop fields, content-length and date left out. */
  fields = '';
  /** `fields` holds a byte >= 0x80, so it must be written as bytes (latin1), not as a string. */
  fieldsNonAscii = false;
  /** Some field may speak of the upstream's own limits: RateLimit, X-RateLimit-Limit and the like. */
  saysLimits = false;
  /** Status of a head whose fields are refused although its status line is good; 0 = there is none. */
  refusedStatus = 0;
  /** HTTP version and Connection allow another exchange on this connection. */
  protected persistent = false;
  readonly #known: KnownHead | undefined;

  /** @param known what others have learned of the same server's heads */
  constructor(known?: KnownHead) {
    super();
    this.#known = known;
  }

  /**
   * Reads one head from bytes [from, limit). Returns the index after it, INCOMPLETE or MALFORMED; the fields above mean
   * something only in the first case. Does not know about sizes: the caller bounds `limit`.
   */
  protected parse(bytes: Buffer, from: number, limit: number): number {
    const known = this.#known;
    if (known !== undefined) {
      const facts = known.find(bytes, from, limit);
      if (facts !== undefined) {
        this.#take(facts);
        return from + known.length;
      }
    }
    const fieldsAt = this.#parseStatusLine(bytes, from, limit);
    if (fieldsAt <= 0) return fieldsAt;
    const end = this.#parseFields(bytes, fieldsAt, limit);
    if (end === MALFORMED) this.refusedStatus = this.status;
    if (end > 0 && known !== undefined && this.listed === undefined && known.wants) {
      known.learn(bytes, { from, to: end }, this.#facts());
    }
    return end;
  }

  /** What a 101 changes to: the value of Upgrade where Connection names that, else `''` (RFC 9110, section 7.8). */
  get upgradesTo(): string {
    return this.listed?.includes('upgrade') === true ? this.upgrade : '';
  }

  #take(facts: HeadFacts): void {
    this.status = facts.status;
    this.statusLine = facts.statusLine;
    this.fields = facts.fields;
    this.fieldsNonAscii = facts.fieldsNonAscii;
    this.saysLimits = facts.saysLimits;
    this.persistent = facts.persistent;
    this.contentLength = facts.contentLength;
    this.keepAliveTimeoutMs = facts.keepAliveTimeoutMs;
    this.chunked = facts.chunked;
    this.listed = undefined;
  }

  #facts(): HeadFacts {
    const { status, statusLine, fields, fieldsNonAscii, saysLimits } = this;
    const { persistent, contentLength, keepAliveTimeoutMs, chunked } = this;
    return {
      status,
      statusLine,
      fields,
      fieldsNonAscii,
      saysLimits,
      persistent,
      contentLength,
      keepAliveTimeoutMs,
      chunked,
    };
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
    // Codes from 600 on have no meaning of their own, but clients know what to do: as with a 5xx (RFC 9110, section 15).
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return MALFORMED;

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
    this.statusLine = seen !== 1 || holds(bytes, from + 9, usual) ? usual : latin1(bytes, from + 9, at);
    this.persistent = minor === 1;
    return at + 2;
  }

  #parseFields(bytes: Buffer, from: number, limit: number): number {
    this.resetFraming();
    let at = from;
    let runCount = 0;
    let runStart = -1;
    let seen = 0; // classes of all bytes in kept values
    let saysLimits = false;
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
        this.trimValue(bytes, colon + 1, at);
        fate = this.judge(bytes, nameStart, nameLength);
        if (fate === REFUSE) return MALFORMED;
      }
      if (fate === KEEP) {
        if (runStart < 0) runStart = nameStart;
        seen |= kinds;
        if (nameLength >= RATELIMIT.length && speaksOfLimits(bytes, nameStart, nameLength)) saysLimits = true;
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
    this.persistent = !this.closes && (this.persistent || this.keepsAlive);
    this.fields = joinRuns(bytes, runCount);
    this.fieldsNonAscii = (seen & OBS_TEXT) !== 0;
    this.saysLimits = saysLimits;
    if (untidy || this.listed !== undefined) this.#rewrite();
    return at + 2;
  }

  #rewrite(): void {
    this.fields = this.fields === '' ? '' : rewriteFields(this.fields, this.listed ?? []);
    this.fieldsNonAscii = /[\x80-\xff]/.test(this.fields);
  }
}

/** Whether a name starts as those do that speak of limits; the first letter settles nearly all. */
function speaksOfLimits(bytes: Buffer, name: number, length: number): boolean {
  const first = (bytes[name] as number) | 0x20;
  if (first === RATELIMIT[0]) return matchesToken(bytes, name, RATELIMIT);
  if (first !== X_RATELIMIT[0] || length < X_RATE_LIMIT.length) return false;
  return matchesToken(bytes, name, X_RATELIMIT) || matchesToken(bytes, name, X_RATE_LIMIT);
}

/** Is `text` followed by the end of the line at `at`? */
function holds(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return bytes[at + text.length] === CR;
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
  const all = latin1(bytes, from, last);
  if (runCount === 2) return all;
  let joined = '';
  for (let i = 0; i < runCount; i += 2) {
    const end = runs[i + 1] as number;
    joined += all.slice((runs[i] as number) - from, end === last ? end - from : end - from + 2);
  }
  return joined;
}
