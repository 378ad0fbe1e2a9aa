import { keepAliveTimeoutMs, listMembers } from './field-rules.ts';
import { COMMA, isBlank, latin1, matchesToken } from './http-bytes.ts';

const CONNECTION = Buffer.from('connection');
const KEEP_ALIVE = Buffer.from('keep-alive');
const CLOSE = Buffer.from('close');
const CHUNKED = Buffer.from('chunked');
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const TIMEOUT = Buffer.from('timeout=');
/** Bytes of a `timeout=N` that is read without a string. */
const MAX_PLAIN_TIMEOUT = TIMEOUT.length + 5;

const UPGRADE = Buffer.from('upgrade');
/** Dropped: hop-by-hop fields, and `date` and `x-request-id`, which our front writes itself. */
const DROPPED = [
  UPGRADE,
  ...['te', 'date', 'trailer', 'x-request-id', 'proxy-connection'].map((name) => Buffer.from(name)),
];

/** Bit n is set where a field name of n bytes may be one of the above. */
export const NOTABLE_LENGTHS = [CONNECTION, KEEP_ALIVE, CONTENT_LENGTH, TRANSFER_ENCODING, ...DROPPED].reduce(
  (bits, name) => bits | (1 << name.length),
  0,
);

/** What becomes of a field. */
export const KEEP = 0;
export const DROP = 1;
export const REFUSE = 2;

/** The fields that say where a message ends and what becomes of the connection; none of them is passed on. */
export class FramingFields {
  /** Bytes, as declared; -1 where not declared. */
  contentLength = -1;
  /** From Keep-Alive: timeout=N; -1 where not given. */
  keepAliveTimeoutMs = -1;
  /** Transfer-Encoding: chunked was declared. */
  protected chunked = false;
  /** Connection: close was given. */
  protected closes = false;
  /** Connection: keep-alive was given. */
  protected keepsAlive = false;
  /** Names in Connection fields other than close and keep-alive, lower case. */
  protected listed: string[] | undefined;
  /** Values of Upgrade, in lower case; means something where Connection names it. */
  protected upgrade = '';
  #valueStart = 0;
  #valueEnd = 0;

  protected resetFraming(): void {
    this.contentLength = -1;
    this.keepAliveTimeoutMs = -1;
    this.chunked = false;
    this.closes = false;
    this.keepsAlive = false;
    this.listed = undefined;
    this.upgrade = '';
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

  /** Decides on the field whose name, of `length` bytes, is at `name`; the name's length is notable, its value trimmed. */
  protected judge(bytes: Buffer, name: number, length: number): typeof KEEP | typeof DROP | typeof REFUSE {
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
      if (dropped.length !== length || !matchesToken(bytes, name, dropped)) continue;
      if (dropped === UPGRADE) this.upgrade += latin1(bytes, this.#valueStart, this.#valueEnd).toLowerCase();
      return DROP;
    }
    return KEEP;
  }

  /** A length may be there several times, in a list ("5, 5") or repeated, where all agree (RFC 9110, section 8.6). */
  #contentLength(bytes: Buffer): typeof DROP | typeof REFUSE {
    let at = this.#valueStart;
    for (;;) {
      let length = 0;
      const first = at;
      for (; at < this.#valueEnd && bytes[at] !== COMMA && !isBlank(bytes[at]); at++) {
        const digit = (bytes[at] as number) - 0x30;
        if (digit < 0 || digit > 9) return REFUSE;
        length = length * 10 + digit;
        if (length > Number.MAX_SAFE_INTEGER) return REFUSE;
      }
      if (at === first || (this.contentLength >= 0 && this.contentLength !== length)) return REFUSE;
      this.contentLength = length;
      while (at < this.#valueEnd && isBlank(bytes[at])) at++;
      if (at === this.#valueEnd) return DROP;
      if (bytes[at++] !== COMMA) return REFUSE;
      while (at < this.#valueEnd && isBlank(bytes[at])) at++;
    }
  }

  #transferEncoding(bytes: Buffer): typeof DROP | typeof REFUSE {
    if (this.chunked || !this.#valueIs(bytes, CHUNKED)) return REFUSE;
    this.chunked = true;
    return DROP;
  }

  #connection(bytes: Buffer): typeof DROP {
    if (this.#valueIs(bytes, KEEP_ALIVE)) this.keepsAlive = true;
    else if (this.#valueIs(bytes, CLOSE)) this.closes = true;
    else {
      for (const option of listMembers(latin1(bytes, this.#valueStart, this.#valueEnd))) {
        if (option === 'close') this.closes = true;
        else if (option === 'keep-alive') this.keepsAlive = true;
        else (this.listed ??= []).push(option);
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
    this.keepAliveTimeoutMs = plain ? seconds * 1000 : keepAliveTimeoutMs(latin1(bytes, this.#valueStart, end));
    return DROP;
  }

  #valueIs(bytes: Buffer, token: Uint8Array): boolean {
    return this.#valueEnd - this.#valueStart === token.length && matchesToken(bytes, this.#valueStart, token);
  }
}
