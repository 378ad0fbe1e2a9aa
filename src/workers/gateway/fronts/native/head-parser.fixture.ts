import { HeldRequestHead } from './held-request-head.ts';
import { NativeRequestHead } from './head-parser.ts';
import { INCOMPLETE } from './head-parser-start.ts';
import { BAD_CHUNKS, RequestBodyDecoder } from './request-body-decoder.ts';

/** What a request said, in plain values that tests can compare. */
export interface ReadRequest {
  method: string;
  path: string;
  query: string | undefined;
  host: string;
  /** Lines without their CRLF. */
  fields: string[];
  body: string;
  trailers: string;
  complete: boolean;
  head: Record<string, unknown>;
}

export interface ReadStream {
  requests: ReadRequest[];
  /** Why the connection must be closed; undefined = it could go on. */
  fault: string | undefined;
  faultCode: string | undefined;
  /** Of the head that was refused. */
  refused: { method: string; path: string } | undefined;
  /** Some of another request's head is here, not only empty lines. */
  waiting: boolean;
}

const MAX_HEADER_BYTES = 16 * 1024;

const lines = (block: string): string[] => (block === '' ? [] : block.slice(0, -2).split('\r\n'));

/** Reads what a client sends on one connection, as a front would: in reused memory, one request after the other. */
export class RequestStream {
  readonly head: NativeRequestHead;
  readonly read: ReadStream = {
    requests: [],
    fault: undefined,
    faultCode: undefined,
    refused: undefined,
    waiting: false,
  };
  #held: HeldRequestHead | undefined;
  #heldText = '';
  readonly #decoder = new RequestBodyDecoder();
  #current: ReadRequest | undefined;
  /** Body bytes still to come; -1 = chunked. */
  #remaining = 0;
  // Room after what is fed, filled with bytes that would show up if they were read.
  readonly #memory = Buffer.alloc(256 * 1024, '\r\nX-Stale: 1\r\n\r\n');

  constructor(identifying: readonly string[] = [], passesAmbiguous = false) {
    this.head = new NativeRequestHead(MAX_HEADER_BYTES);
    this.head.passesAmbiguous = passesAmbiguous;
    this.head.identifying = new Set(identifying);
  }

  /** Feeds one read, one char per byte. */
  feed(text: string): void {
    this.#memory.write(text, 0, 'latin1');
    let at = 0;
    while (at < text.length && this.read.fault === undefined) {
      at = this.#current === undefined ? this.#readHead(at, text.length) : this.#readBody(at, text.length);
    }
    this.read.waiting = this.#held !== undefined && /[^\r\n]/.test(this.#heldText);
    this.#memory.fill('\r\nX-Stale: 1\r\n\r\n', 0, text.length);
  }

  #readHead(at: number, length: number): number {
    const { head, read } = this;
    let end = this.#held === undefined ? head.parse(this.#memory, at, length) : INCOMPLETE;
    if (end === INCOMPLETE) {
      this.#held ??= new HeldRequestHead(head);
      end = this.#held.append(this.#memory, at, length);
    }
    if (end === INCOMPLETE) {
      this.#heldText += this.#memory.toString('latin1', at, length);
      return length;
    }
    this.#held = undefined;
    this.#heldText = '';
    if (end < 0) {
      read.fault = head.fault ?? 'refused without a reason';
      read.faultCode = head.faultCode;
      read.refused = { method: head.method, path: head.path };
      return length;
    }
    if (head.fault !== undefined) throw new Error(`taken with the fault ${head.fault}`);
    const { method, path, query, host, chunked, contentLength } = head;
    const request = { method, path, query, host, fields: lines(head.fields), body: '', trailers: '', complete: false };
    this.#current = { ...request, head: Object.fromEntries(Object.entries(head)) };
    read.requests.push(this.#current);
    this.#remaining = chunked ? -1 : Math.max(0, contentLength);
    if (chunked) this.#decoder.reset(head);
    this.#finish(this.#remaining === 0);
    return end;
  }

  #readBody(at: number, length: number): number {
    const current = this.#current as ReadRequest;
    if (this.#remaining >= 0) {
      const end = Math.min(length, at + this.#remaining);
      current.body += this.#memory.toString('latin1', at, end);
      this.#remaining -= end - at;
      this.#finish(this.#remaining === 0);
      return end;
    }
    const decoder = this.#decoder;
    const end = decoder.decode(this.#memory, at, length);
    if (end === BAD_CHUNKS) {
      this.read.fault = decoder.fault ?? 'refused without a reason';
      this.read.faultCode = 'bad_request';
      return length;
    }
    current.body += this.#memory.toString('latin1', decoder.start, decoder.end);
    current.trailers = decoder.trailers;
    this.#finish(decoder.done);
    return end;
  }

  #finish(isDone: boolean): void {
    if (!isDone || this.#current === undefined) return;
    this.#current.complete = true;
    this.#current = undefined;
  }
}

/** Reads the requests that arrive as `pieces`. */
export function readRequests(pieces: readonly string[], stream = new RequestStream()): ReadStream {
  for (const piece of pieces) stream.feed(piece);
  return stream.read;
}

/** `text` cut at the given indexes. */
export function cut(text: string, at: readonly number[]): string[] {
  const ends = [...new Set(at)].filter((i) => i > 0 && i < text.length).sort((a, b) => a - b);
  return [0, ...ends].map((start, i) => text.slice(start, ends[i] ?? text.length));
}
