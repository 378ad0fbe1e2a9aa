import { CR, matchesToken, SP, VALUE_BYTE } from './http-bytes.ts';

/** Longer heads are rarely the same twice, and looking costs by their length. */
const MOST_BYTES = 512;
/** `Thu, 26 Nov 2026 16:17:17 GMT` (RFC 9110, section 5.6.7). */
const DATE_BYTES = 29;
const DATE_NAME = Buffer.from('date: ');
/** Of so many unknown heads one is kept: where answers differ, keeping each would cost more than it saves. */
const LEARN_ONE_IN = 8;

/** What a head says that was parsed before. */
export interface HeadFacts {
  readonly status: number;
  readonly statusLine: string;
  readonly fields: string;
  readonly fieldsNonAscii: boolean;
  readonly saysLimits: boolean;
  readonly persistent: boolean;
  readonly contentLength: number;
  readonly keepAliveTimeoutMs: number;
  readonly chunked: boolean;
}

/** The last head of a target. The next is mostly the same but for its Date, and then need not be parsed. */
export class KnownHead {
  readonly #bytes = Buffer.allocUnsafeSlow(MOST_BYTES);
  #length = 0;
  /** Where the value of Date is; it is not passed on, so it may be any other. */
  #dateStart = 0;
  #dateEnd = 0;
  #facts: HeadFacts | undefined = undefined;
  #unknown = 0;

  /** @returns what the head at `from` says, when it is whole before `limit` and known */
  find(bytes: Buffer, from: number, limit: number): HeadFacts | undefined {
    const length = this.#length;
    if (length === 0 || limit - from < length) return undefined;
    const known = this.#bytes;
    for (let i = 0; i < length; i++) {
      const b = bytes[from + i] as number;
      if (b === known[i]) continue;
      if (i < this.#dateStart || i >= this.#dateEnd || VALUE_BYTE[b] === 0) return undefined;
    }
    return this.#facts;
  }

  get length(): number {
    return this.#length;
  }

  /** A head was not known: whether it is worth while to keep it. */
  get wants(): boolean {
    return this.#unknown++ % LEARN_ONE_IN === 0;
  }

  /** Keeps the head at [from, to), which says `facts`. */
  learn(bytes: Buffer, range: { readonly from: number; readonly to: number }, facts: HeadFacts): void {
    const { from, to } = range;
    if (to - from > MOST_BYTES) return;
    bytes.copy(this.#bytes, 0, from, to);
    this.#length = to - from;
    this.#facts = facts;
    this.#dateStart = dateIn(this.#bytes, this.#length);
    this.#dateEnd = this.#dateStart === 0 ? 0 : this.#dateStart + DATE_BYTES;
  }
}

/** Where the value of a Date of the usual length starts; 0 = there is none. */
function dateIn(head: Buffer, length: number): number {
  for (
    let at = head.indexOf(CR);
    at >= 0 && at + 2 + DATE_NAME.length + DATE_BYTES < length;
    at = head.indexOf(CR, at + 1)
  ) {
    const start = at + 2 + DATE_NAME.length;
    if (
      matchesToken(head, at + 2, DATE_NAME) &&
      head[start - 1] === SP &&
      head.indexOf(CR, start) === start + DATE_BYTES
    )
      return start;
  }
  return 0;
}
