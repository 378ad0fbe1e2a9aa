import { isUtf8 } from 'node:buffer';
import { trimBlanks } from '../../../../shared/http/field.ts';
import { isValidHost } from '../../../../shared/http/host.ts';
import * as Kind from '../../../../shared/http/request-field.ts';
import { isBlank, latin1, matchesToken } from '../../upstream/http-bytes.ts';
import { IDENTIFYING } from './head-parser-names.ts';
import { REPEATED_IDENTITY } from '../identity-faults.ts';
import { RequestStart } from './head-parser-start.ts';

const KEEP_ALIVE = Buffer.from('keep-alive');
const CLOSE = Buffer.from('close');
const CHUNKED = Buffer.from('chunked');
const TRAILERS = Buffer.from('trailers');
const CONTINUE = Buffer.from('100-continue');

const BAD_HOST = 'The Host field is missing, repeated or malformed.';
const BAD_LENGTH = 'Content-Length is repeated or not a number.';
const BAD_CODING = 'Transfer-Encoding is something else than one chunked.';

/** What the fields say that are not simply forwarded. */
export class FieldValues extends RequestStart {
  /** Of an absolute target, or the Host field; '' for HTTP/1.0 without either. */
  host = '';
  /** -1 = not declared. */
  contentLength = -1;
  chunked = false;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  requestId: string | undefined;
  via: string | undefined;
  /** TE has `trailers` (RFC 9110 10.1.4); the field itself is not in `fields`. */
  takesTrailers = false;
  /** The client allows another request on this connection. */
  persistent = true;
  /** The client waits for 100 (Continue) before it sends the body. */
  expectsContinue = false;
  /** The protocols the client would change to, if Connection says that it means this hop; '' = none. */
  upgrade = '';
  /** Names in Connection of fields that would be forwarded, lower case; trailers of these names are dropped as well. */
  connectionNamed: Set<string> | undefined;
  /** Values of the fields that may name the client, in the order of `identifying`. */
  protected readonly identities: (string | undefined)[] = [];
  #hosts = 0;
  #lastHost = '';
  #closes = false;
  #keepsAlive = false;
  #connectionUpgrade = false;
  #valueStart = 0;
  #valueEnd = 0;

  protected resetValues(): void {
    this.host = '';
    this.contentLength = -1;
    this.chunked = false;
    this.forwardedFor = undefined;
    this.forwardedProto = undefined;
    this.forwardedHost = undefined;
    this.requestId = undefined;
    this.via = undefined;
    this.takesTrailers = false;
    this.persistent = true;
    this.expectsContinue = false;
    this.upgrade = '';
    this.connectionNamed = undefined;
    if (this.identities.length > 0) this.identities.fill(undefined);
    this.#hosts = 0;
    this.#closes = false;
    this.#keepsAlive = false;
    this.#connectionUpgrade = false;
  }

  /** Remembers where the value of the line part [from, to) is, without white space around it. */
  protected trimValue(bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start])) start++;
    while (end > start && isBlank(bytes[end - 1])) end--;
    this.#valueStart = start;
    this.#valueEnd = end;
  }

  protected get valueStart(): number {
    return this.#valueStart;
  }

  protected get valueEnd(): number {
    return this.#valueEnd;
  }

  /** Takes the trimmed value of a field of this kind; false if the request must be refused. */
  protected take(kind: number, bytes: Buffer): boolean {
    switch (kind) {
      case Kind.HOST:
        return (++this.#hosts === 1 && this.#takeHost(bytes)) || this.#refused(BAD_HOST);
      case Kind.CONTENT_LENGTH:
        return this.#takeLength(bytes) || this.#refused(BAD_LENGTH);
      case Kind.TRANSFER_ENCODING:
        if (this.chunked || !this.#valueIs(bytes, CHUNKED)) return this.#refused(BAD_CODING);
        this.chunked = true;
        return true;
      case Kind.CONNECTION:
        if (this.#valueIs(bytes, KEEP_ALIVE)) this.#keepsAlive = true;
        else if (this.#valueIs(bytes, CLOSE)) this.#closes = true;
        else for (const option of this.#text(bytes).split(',')) this.#takeOption(trimBlanks(option).toLowerCase());
        return true;
      case Kind.EXPECT:
        this.expectsContinue ||= this.#valueIs(bytes, CONTINUE);
        return true;
      case Kind.TE:
        this.takesTrailers ||= this.#valueIs(bytes, TRAILERS) || hasTrailers(this.#text(bytes));
        return true;
      case Kind.X_FORWARDED_FOR:
        this.forwardedFor = joined(this.forwardedFor, this.#text(bytes));
        return true;
      case Kind.X_FORWARDED_PROTO:
        this.forwardedProto = joined(this.forwardedProto, this.#text(bytes));
        return true;
      case Kind.X_FORWARDED_HOST:
        this.forwardedHost = joined(this.forwardedHost, this.#text(bytes));
        return true;
      case Kind.X_REQUEST_ID:
        this.requestId = this.#text(bytes);
        return true;
      case Kind.VIA:
        this.via = joined(this.via, this.#text(bytes));
        return true;
      case Kind.UPGRADE:
        this.upgrade = joined(this.upgrade === '' ? undefined : this.upgrade, this.#text(bytes));
        return true;
      default: // DROP, FORWARDED, X_REAL_IP: hop-by-hop, or said in our own words
        return true;
    }
  }

  /** Two of them would leave open which one the upstream goes by. */
  protected takeIdentity(code: number, bytes: Buffer): boolean {
    if (this.identities[code - IDENTIFYING] !== undefined) return this.#refused(REPEATED_IDENTITY);
    this.identities[code - IDENTIFYING] = identityText(bytes, this.#valueStart, this.#valueEnd);
    return true;
  }

  /** The fields are all there: do they go together? */
  protected judgeTogether(): boolean {
    const isOld = this.minorVersion === 0;
    if (this.#hosts === 0 && !isOld) return this.#refused(BAD_HOST);
    if (this.targetHost !== undefined) this.host = this.targetHost;
    if (this.chunked) {
      // Both at once is how requests are smuggled (RFC 9112 6.3, 11.2); in HTTP/1.0 the framing is faulty (6.1).
      if (this.contentLength >= 0) return this.#refused('Content-Length and Transfer-Encoding exclude each other.');
      if (isOld) return this.#refused('HTTP/1.0 has no Transfer-Encoding.');
    }
    this.persistent = !this.#closes && (!isOld || this.#keepsAlive);
    // RFC 9110 7.8 and 10.1.1: a server ignores these in an HTTP/1.0 request, and 1.0 has no trailers.
    if (isOld) this.expectsContinue = this.takesTrailers = false;
    if (isOld || !this.#connectionUpgrade) this.upgrade = '';
    return true;
  }

  /** Most requests ask for the host of the one before, whose text is here and known to be sound. */
  #takeHost(bytes: Buffer): boolean {
    const last = this.#lastHost;
    let i = this.#valueEnd - this.#valueStart === last.length ? 0 : -1;
    while (i >= 0 && i < last.length && bytes[this.#valueStart + i] === last.charCodeAt(i)) i++;
    if (i !== last.length || i === 0) {
      const host = this.#text(bytes);
      if (!isValidHost(host)) return false;
      this.#lastHost = host;
    }
    this.host = this.#lastHost;
    return true;
  }

  #takeOption(option: string): void {
    if (option === 'close') this.#closes = true;
    else if (option === 'keep-alive') this.#keepsAlive = true;
    else if (option === 'upgrade') this.#connectionUpgrade = true;
    else if (option !== '' && isPassedOn(Kind.requestFieldKind(option))) {
      this.connectionNamed ??= new Set();
      this.connectionNamed.add(option);
    }
  }

  /** Refuses a repeated length and a list ("5, 5") even where the values agree: RFC 9110 8.6 allows that, and no sound client sends it. */
  #takeLength(bytes: Buffer): boolean {
    if (this.contentLength >= 0 || this.#valueEnd === this.#valueStart) return false;
    let length = 0;
    for (let i = this.#valueStart; i < this.#valueEnd; i++) {
      const digit = (bytes[i] as number) - 0x30;
      if (digit < 0 || digit > 9) return false;
      length = length * 10 + digit;
      if (length > Number.MAX_SAFE_INTEGER) return false;
    }
    this.contentLength = length;
    return true;
  }

  #refused(fault: string): false {
    this.refuse(fault);
    return false;
  }

  #text(bytes: Buffer): string {
    return latin1(bytes, this.#valueStart, this.#valueEnd);
  }

  #valueIs(bytes: Buffer, token: Uint8Array): boolean {
    return this.#valueEnd - this.#valueStart === token.length && matchesToken(bytes, this.#valueStart, token);
  }
}

/** Kinds of fields that reach the upstream as they came, if any. */
const isPassedOn = (kind: number): boolean => kind === Kind.FORWARD || kind === Kind.CLAIM;

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/** Whether a TE value lists `trailers`, and not with the weight 0. */
function hasTrailers(value: string): boolean {
  return value.split(',').some((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => trimBlanks(part).toLowerCase());
    return name === 'trailers' && !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter));
  });
}

/**
 * The value as the client that it names wrote it: UTF-8 where it is that, so that both fronts give one client one name;
 * other bytes one character each, behind a character that no value has, so that no two values give the same text.
 */
function identityText(bytes: Buffer, start: number, end: number): string {
  let i = start;
  while (i < end && (bytes[i] as number) < 0x80) i++;
  if (i === end) return latin1(bytes, start, end);
  const value = bytes.subarray(start, end);
  return isUtf8(value) ? value.toString('utf8') : `\0${value.toString('latin1')}`;
}
