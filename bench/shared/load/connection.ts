import type { TcpNetConnectOpts } from 'node:net';
import { RawLine } from './raw-line.ts';

/** How one exchange ended: a status, or `failed` without a whole answer. */
export type Outcome = { readonly kind: 'answered'; readonly status: number } | { readonly kind: 'failed' };

const HEAD_END = '\r\n\r\n';
const CHUNKS_END = '0\r\n\r\n';
const RETRY_MS = 10;

/** Length of the first answer in the text, NaN for one that no rule of RFC 9112 section 6.3 gives a length; undefined = not whole yet. */
export function answerLength(text: string): number | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const bodyAt = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = bodyAt + Number(length);
    return text.length >= end ? end : undefined;
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return Number.NaN;
  const whole = text.endsWith(CHUNKS_END) && text.length >= bodyAt + CHUNKS_END.length;
  return whole ? text.length : undefined;
}

/**
 * One keep-alive connection of the open loop, one exchange at a time; opens itself again when it was closed. On a raw line,
 * and reads just enough of HTTP for the answers a gateway gives to GET and POST, because each microsecond here is lost to
 * the load.
 */
export class Connection {
  readonly #target: TcpNetConnectOpts;
  readonly #free: (connection: Connection) => void;
  #line: RawLine | undefined;
  #text = '';
  #waiting: ((outcome: Outcome) => void) | undefined;
  #closed = false;

  /** `free` is called each time the connection may take a request: when it opens, and after each answer. */
  constructor(target: TcpNetConnectOpts, free: (connection: Connection) => void) {
    this.#target = target;
    this.#free = free;
    this.#open();
  }

  get open(): boolean {
    return this.#line?.isOpen === true;
  }

  /** Only after `free`. */
  send(request: Buffer, done: (outcome: Outcome) => void): void {
    this.#waiting = done;
    this.#text = '';
    this.#line?.write(request);
  }

  /** Cuts the connection under a request that waits too long; it opens again. */
  abort(): void {
    this.#line?.destroy();
    this.#lost();
  }

  close(): void {
    this.#closed = true;
    this.abort();
  }

  #open(): void {
    this.#line = new RawLine(this.#target, {
      onOpen: () => this.#free(this),
      onBytes: (bytes, length) => this.#read(bytes.toString('latin1', 0, length)),
      onGone: () => this.#lost(),
    });
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const length = answerLength(this.#text);
    if (length === undefined) return;
    const done = this.#waiting;
    this.#waiting = undefined;
    const status = Number(this.#text.slice(9, 12));
    const closes = Number.isNaN(length) || /\r\nconnection: *close/i.test(this.#text);
    done?.(Number.isNaN(length) ? { kind: 'failed' } : { kind: 'answered', status });
    if (closes) this.abort();
    else this.#free(this);
  }

  #lost(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.({ kind: 'failed' });
    if (!this.#closed) setTimeout(() => this.#closed || this.#open(), RETRY_MS);
  }
}
