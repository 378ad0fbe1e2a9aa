import type { HttpRequest } from 'uWebSockets.js';
import { isAmbiguousName, plainTwin } from '../../../../shared/http/ambiguous-name.ts';
import { hasBadValueByte, isPlainValue, isToken } from '../../../../shared/http/field.ts';
import { isChunked, parseContentLength } from '../../../../shared/http/framing.ts';
import { isValidHost } from '../../../../shared/http/host.ts';
import type { ErrorCode } from '../../../../shared/errors.ts';
import * as Kind from '../../../../shared/http/request-field.ts';
import type { RequestHead } from '../../exchange/request-head.ts';
import { DROPPED_IDENTITY, REPEATED_IDENTITY } from '../identity-faults.ts';

/** Names seen before, with their kind: one hash look-up instead of checking every character again. */
const knownNames = new Map<string, number>();
const MOST_KNOWN_NAMES = 1_000;
/** An option of Connection: then Upgrade is meant for this hop. */
const NAMES_UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;
const INVALID_NAME = -1;
const AMBIGUOUS_NAME = -2;

function kindOf(name: string): number {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const kind = judgedKind(name);
  if (knownNames.size < MOST_KNOWN_NAMES) knownNames.set(name, kind);
  return kind;
}

function judgedKind(name: string): number {
  if (!isToken(name)) return INVALID_NAME;
  return isAmbiguousName(name) ? AMBIGUOUS_NAME : Kind.requestFieldKind(name);
}

/**
 * The header section of the request at hand, read in one pass and judged by RFC 9112 more strictly than the front's
 * parser does. One instance a thread, reused: it is valid until the next request's read().
 */
export class UwsRequestHead implements RequestHead {
  /** Fields whose values may name the client, lower-case; kept for header(). */
  identifying: ReadonlySet<string> = new Set();
  passesAmbiguous = false;
  maxHeaderCount = Infinity;
  clientAddress = '';
  method = '';
  path = '';
  query: string | undefined;
  readonly minorVersion = 1;
  /** Lines to forward as they came, each with its CRLF: no hop-by-hop field, nothing the gateway sets itself. */
  fields = '';
  claims = '';
  host = '';
  /** -1 = not declared. */
  contentLength = -1;
  chunked = false;
  /** uWS hands out strings that it has decoded. */
  encoding: 'latin1' | 'utf8' = 'latin1';
  /** Bytes of all fields, with their separators. */
  bytes = 0;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  requestId: string | undefined;
  via: string | undefined;
  takesTrailers = false;
  upgrade = '';
  /** Why the request must be refused with 400; undefined = it is well-formed. */
  fault: string | undefined;
  faultCode: ErrorCode = 'bad_request';
  readonly #maxBytes: number;
  readonly #takesChunks: boolean;
  #connection = '';
  #fieldCount = 0;
  #hosts = 0;
  #lengths = 0;
  #encodings = 0;
  #except: Set<string> | undefined;
  readonly #identifyingValues = new Map<string, string>();
  readonly #onField = (name: string, value: string): void => this.#field(name, value);

  /**
   * @param limits.maxHeaderBytes of request line and fields together, above which it is refused with 431
   * @param limits.uwsChunked take chunked bodies, though uWS misreads legal ones: then the next request becomes body
   */
  constructor(limits: { readonly maxHeaderBytes: number; readonly uwsChunked: boolean }) {
    this.#maxBytes = limits.maxHeaderBytes;
    this.#takesChunks = limits.uwsChunked;
  }

  /** The value of one of the `identifying` fields. */
  header(name: string): string | undefined {
    return this.#identifyingValues.get(name);
  }

  read(request: HttpRequest): void {
    this.#reset();
    this.method = request.getCaseSensitiveMethod();
    this.path = request.getUrl();
    this.query = request.getQuery();
    request.forEach(this.#onField);
    this.bytes += this.method.length + this.path.length + (this.query?.length ?? 0);
    if (this.bytes > this.#maxBytes) {
      this.fault = 'The request line and header fields are too large.';
      this.faultCode = 'header_too_large';
      return;
    }
    if (this.#fieldCount > this.maxHeaderCount) {
      this.fault = `There are more than ${this.maxHeaderCount} header fields.`;
      this.faultCode = 'header_too_large';
      return;
    }
    if (this.#connection !== '') this.#dropConnectionNamed(request);
    if (this.upgrade !== '' && !NAMES_UPGRADE.test(this.#connection)) this.upgrade = '';
    this.#judge();
  }

  #reset(): void {
    this.fields = '';
    this.claims = '';
    this.faultCode = 'bad_request';
    this.takesTrailers = false;
    this.upgrade = '';
    this.host = '';
    this.contentLength = -1;
    this.chunked = false;
    this.encoding = 'latin1';
    this.bytes = 0;
    this.forwardedFor = undefined;
    this.forwardedProto = undefined;
    this.forwardedHost = undefined;
    this.requestId = undefined;
    this.via = undefined;
    this.fault = undefined;
    if (this.identifying.size > 0) this.#identifyingValues.clear();
    this.#connection = '';
    this.#fieldCount = 0;
    this.#hosts = 0;
    this.#lengths = 0;
    this.#encodings = 0;
    this.#except = undefined;
  }

  #field(name: string, value: string): void {
    this.bytes += name.length + value.length + 4;
    this.#fieldCount++;
    const kind = kindOf(name);
    if (!isPlainValue(value)) {
      if (hasBadValueByte(value)) this.fault = 'A field value has a byte that is not allowed.';
      this.encoding = 'utf8';
    }
    switch (kind) {
      case Kind.FORWARD:
        this.#forward(name, value);
        return;
      case AMBIGUOUS_NAME:
        if (this.#mayPass(name)) this.#forward(name, value);
        return;
      case Kind.CLAIM:
        if (this.#except === undefined || !this.#except.has(name)) this.claims += `${name}: ${value}\r\n`;
        return;
      case Kind.HOST:
        this.#hosts++;
        this.host = value;
        return;
      case Kind.CONNECTION:
        if (value !== 'keep-alive' && value !== 'close') {
          this.#connection = this.#connection === '' ? value : `${this.#connection},${value}`;
        }
        return;
      case Kind.CONTENT_LENGTH:
        this.#lengths++;
        this.contentLength = parseContentLength(value);
        return;
      case Kind.TRANSFER_ENCODING:
        this.#encodings++;
        this.chunked = isChunked(value);
        return;
      case Kind.TE:
        if (value.trim().toLowerCase() === 'trailers') this.takesTrailers = true;
        return;
      case Kind.X_FORWARDED_FOR:
        this.forwardedFor = this.forwardedFor === undefined ? value : `${this.forwardedFor}, ${value}`;
        return;
      case Kind.X_FORWARDED_PROTO:
        this.forwardedProto = this.forwardedProto === undefined ? value : `${this.forwardedProto}, ${value}`;
        return;
      case Kind.X_FORWARDED_HOST:
        this.forwardedHost = this.forwardedHost === undefined ? value : `${this.forwardedHost}, ${value}`;
        return;
      case Kind.X_REQUEST_ID:
        this.requestId = value;
        return;
      case Kind.VIA:
        this.via = this.via === undefined ? value : `${this.via}, ${value}`;
        return;
      case Kind.UPGRADE:
        this.upgrade = this.upgrade === '' ? value : `${this.upgrade}, ${value}`;
        return;
      case INVALID_NAME:
        this.fault = 'A field name is not a token.';
        return;
      default: // DROP, EXPECT, FORWARDED, X_REAL_IP: hop-by-hop, answered by the front already, or said in our own words
    }
  }

  #forward(name: string, value: string): void {
    if (this.identifying.size > 0 && this.identifying.has(name)) {
      if (this.#identifyingValues.has(name)) this.fault = REPEATED_IDENTITY;
      this.#identifyingValues.set(name, value);
    }
    if (this.#except === undefined || !this.#except.has(name)) this.fields += `${name}: ${value}\r\n`;
  }

  /** Not where a reader could take the name for one that says something here. */
  #mayPass(ambiguousName: string): boolean {
    if (!this.passesAmbiguous) return false;
    const twin = plainTwin(ambiguousName);
    return this.identifying.has(ambiguousName) || (!this.identifying.has(twin) && kindOf(twin) === Kind.FORWARD);
  }

  /** Fields that Connection names go no further than this hop (RFC 9110, section 7.6.1). Rare, so a second pass is fine. */
  #dropConnectionNamed(request: HttpRequest): void {
    const named = new Set<string>();
    for (const token of this.#connection.split(',')) named.add(token.trim().toLowerCase());
    named.delete('keep-alive');
    named.delete('close');
    if (named.size === 0) return;
    for (const name of named) if (this.identifying.has(name)) this.fault = DROPPED_IDENTITY;
    const { fault } = this;
    this.#reset();
    this.#except = named;
    request.forEach(this.#onField);
    this.fault ??= fault;
  }

  #judge(): void {
    if (this.fault !== undefined) return;
    if (this.#hosts !== 1 || !isValidHost(this.host)) {
      this.fault = 'The Host field is missing, repeated or malformed.';
    } else if (this.#lengths > 1 || (this.#lengths === 1 && this.contentLength < 0)) {
      this.fault = 'Content-Length is repeated or not a number.';
    } else if (this.#encodings > 1 || (this.#encodings === 1 && !this.chunked)) {
      this.fault = 'Transfer-Encoding is something else than one chunked.';
    } else if (this.chunked && this.#lengths > 0) {
      this.fault = 'Content-Length and Transfer-Encoding exclude each other.';
    } else if (this.chunked && !this.#takesChunks) {
      this.fault = 'Send a Content-Length: chunked request bodies are not taken here (UWS_CHUNKED).';
      this.faultCode = 'length_required';
    }
  }
}
