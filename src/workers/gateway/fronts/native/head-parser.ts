import { COLON, CR, HTAB, isBlank, latin1, LF, SP, TOKEN_BYTE } from '../../upstream/http-bytes.ts';
import { isAmbiguousName } from '../../../../shared/http/ambiguous-name.ts';
import { CLAIM, DROP, FORWARD } from '../../../../shared/http/request-field.ts';
import type { RequestHead } from '../../exchange/request-head.ts';
import { DROPPED_IDENTITY } from '../identity-faults.ts';
import { FieldNames, IDENTIFYING } from './head-parser-names.ts';
import { INCOMPLETE, MALFORMED, skipEmptyLines } from './head-parser-start.ts';
import { FieldValues } from './head-parser-values.ts';

const DEL = 0x7f;

/** 1 for what names nearly always consist of; see ambiguous-name.ts for the rest. */
const NAME_BYTE = TOKEN_BYTE.map((isToken, byte) =>
  isToken === 1 && !isAmbiguousName(String.fromCharCode(byte).toLowerCase()) ? 1 : 0,
);

/** Most fields of one request; whatever they are, each costs more than its bytes. */
export const MAX_FIELDS = 256;

/**
 * The kept lines of the head being parsed. A run of adjacent tidy ones is a pair [start, end); a line to be tidied is
 * [~start of its name, end of the name) and [start, end) of its value. Shared by all heads, as parsing never waits.
 */
const runs = new Int32Array(MAX_FIELDS * 4);

/**
 * A request head (RFC 9112 2–5), read strictly: CRLF line ends, no folding, no white space around names, and nothing
 * that two readers could understand differently. One instance a thread, reused for every head; see RequestHead.
 */
export class NativeRequestHead extends FieldValues implements RequestHead {
  clientAddress = '';
  readonly encoding = 'latin1';
  /** Kept lines in order, each "name: value" with its CRLF; one char per byte. */
  fields = '';
  claims = '';
  bytes = 0;
  passesAmbiguous = false;
  readonly maxHeaderBytes: number;
  /** At most MAX_FIELDS. */
  maxHeaderCount = MAX_FIELDS;
  #identifying: ReadonlySet<string> = new Set();
  #identifyingNames: readonly string[] = [];
  #names = new FieldNames([]);

  /** @param maxHeaderBytes of the request line, all fields and the empty line together */
  constructor(maxHeaderBytes: number) {
    super();
    this.maxHeaderBytes = maxHeaderBytes;
  }

  get identifying(): ReadonlySet<string> {
    return this.#identifying;
  }

  set identifying(names: ReadonlySet<string>) {
    if (names === this.#identifying) return;
    this.#identifying = names;
    this.#identifyingNames = [...names];
    this.#names = new FieldNames(names);
    this.identities.length = 0;
    for (const _name of names) this.identities.push(undefined);
  }

  header(name: string): string | undefined {
    return this.identities[this.#identifyingNames.indexOf(name)];
  }

  /**
   * Reads one head from bytes [from, limit), empty lines before it included. Returns the index after it, INCOMPLETE, or
   * MALFORMED as soon as the bytes can become none: then `fault` says why, and the rest holds what was read before.
   */
  parse(bytes: Buffer, from: number, limit: number): number {
    this.resetStart();
    this.resetValues();
    this.fields = '';
    this.claims = '';
    this.bytes = 0;
    const start = skipEmptyLines(bytes, from, limit);
    const stop = Math.min(limit, start + this.maxHeaderBytes);
    const fieldsAt = this.parseStart(bytes, start, stop);
    const end = fieldsAt <= 0 ? fieldsAt : this.#parseFields(bytes, fieldsAt, stop);
    if (end > 0) this.bytes = end - start;
    else if (end === INCOMPLETE && stop - start === this.maxHeaderBytes) return this.#refuseSize(fieldsAt);
    return end;
  }

  #refuseSize(fieldsAt: number): typeof MALFORMED {
    if (fieldsAt === INCOMPLETE) return this.refuse('The request line is too long.', 'uri_too_long');
    return this.refuse('The request line and header fields are too large.', 'header_too_large');
  }

  #parseFields(bytes: Buffer, from: number, limit: number): number {
    const names = this.#names;
    const most = this.maxHeaderCount;
    let at = from;
    let fields = 0;
    let runCount = 0;
    let runStart = -1;
    for (;;) {
      const nameStart = at;
      while (at < limit && NAME_BYTE[bytes[at] as number] === 1) at++;
      const plainEnd = at;
      if (at < limit && bytes[at] !== COLON) while (at < limit && TOKEN_BYTE[bytes[at] as number] === 1) at++;
      if (at >= limit) return INCOMPLETE;
      if (bytes[at] !== COLON || at === nameStart) {
        if (bytes[at] !== CR || at !== nameStart) return this.#refuseName(bytes, nameStart);
        if (at + 1 >= limit) return INCOMPLETE;
        if (bytes[at + 1] !== LF) return this.refuse('A line does not end in CRLF.');
        break;
      }
      const colon = at++;
      while (at < limit) {
        const byte = bytes[at] as number;
        // What VALUE_BYTE says, in two comparisons: measured a tenth of the whole head cheaper than the table.
        if (byte < SP ? byte !== HTAB : byte === DEL) break;
        at++;
      }
      if (at + 1 >= limit) return at >= limit || bytes[at] === CR ? INCOMPLETE : this.#refuseValue(bytes, at);
      if (bytes[at] !== CR || bytes[at + 1] !== LF) return this.#refuseValue(bytes, at);
      if (++fields > most) return this.refuse(`There are more than ${most} header fields.`, 'header_too_large');

      const code =
        plainEnd === colon
          ? names.find(bytes, nameStart, colon - nameStart)
          : this.#ambiguousCode(latin1(bytes, nameStart, colon));
      const tidy =
        bytes[colon + 1] === SP && (at === colon + 2 || !(isBlank(bytes[colon + 2]) || isBlank(bytes[at - 1])));
      if (code !== FORWARD || !tidy) this.trimValue(bytes, colon + 1, at);
      if (code === CLAIM) this.#takeClaim(bytes, nameStart, colon);
      else if (code >= IDENTIFYING) {
        if (!this.takeIdentity(code, bytes)) return MALFORMED;
      } else if (code !== FORWARD && !this.take(code, bytes)) return MALFORMED;

      const kept = code === FORWARD || code >= IDENTIFYING;
      if (kept && tidy) {
        if (runStart < 0) runStart = nameStart;
      } else {
        if (runStart >= 0) {
          runs[runCount++] = runStart;
          runs[runCount++] = nameStart;
          runStart = -1;
        }
        if (kept) {
          runs[runCount++] = ~nameStart;
          runs[runCount++] = colon;
          runs[runCount++] = this.valueStart;
          runs[runCount++] = this.valueEnd;
        }
      }
      at += 2;
    }
    if (!this.judgeTogether()) return MALFORMED;
    if (runStart >= 0) {
      runs[runCount++] = runStart;
      runs[runCount++] = at;
    }
    this.fields = joinRuns(bytes, runCount);
    if (this.connectionNamed !== undefined) {
      for (const name of this.connectionNamed) if (this.#identifying.has(name)) return this.refuse(DROPPED_IDENTITY);
      this.fields = withoutNamed(this.fields, this.connectionNamed);
      this.claims = withoutNamed(this.claims, this.connectionNamed);
    }
    return at + 2;
  }

  #ambiguousCode(name: string): number {
    return this.passesAmbiguous ? this.#names.findAmbiguous(name.toLowerCase()) : DROP;
  }

  #takeClaim(bytes: Buffer, nameStart: number, colon: number): void {
    this.claims += `${latin1(bytes, nameStart, colon)}: ${latin1(bytes, this.valueStart, this.valueEnd)}\r\n`;
  }

  #refuseName(bytes: Buffer, nameStart: number): typeof MALFORMED {
    if (isBlank(bytes[nameStart])) return this.refuse('A header line starts with white space.');
    return this.refuse('A field name is empty or not a token.');
  }

  #refuseValue(bytes: Buffer, at: number): typeof MALFORMED {
    const isLineEnd = bytes[at] === CR || bytes[at] === LF;
    return this.refuse(isLineEnd ? 'A line does not end in CRLF.' : 'A field value has a byte that is not allowed.');
  }
}

/** The kept lines as one string. One trip to C++, then slices: they share its memory. */
function joinRuns(bytes: Buffer, runCount: number): string {
  if (runCount === 0) return '';
  const first = runs[0] as number;
  const from = first < 0 ? ~first : first;
  const all = latin1(bytes, from, runs[runCount - 1] as number);
  if (runCount === 2) return all;
  let text = '';
  for (let i = 0; i < runCount; i += 2) {
    const start = runs[i] as number;
    const end = runs[i + 1] as number;
    if (start >= 0) {
      text += all.slice(start - from, end - from);
    } else {
      i += 2;
      const value = all.slice((runs[i] as number) - from, (runs[i + 1] as number) - from);
      text += `${all.slice(~start - from, end - from)}: ${value}\r\n`;
    }
  }
  return text;
}

/** Fields that Connection names go no further than this hop (RFC 9110 7.6.1). Rare, so strings will do. */
function withoutNamed(fields: string, named: ReadonlySet<string>): string {
  let text = '';
  for (let start = 0; start < fields.length;) {
    const end = fields.indexOf('\r\n', start) + 2;
    const name = fields.slice(start, fields.indexOf(':', start));
    if (!named.has(name.toLowerCase())) text += fields.slice(start, end);
    start = end;
  }
  return text;
}
