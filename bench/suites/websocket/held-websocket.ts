import type { RawLine } from '../../shared/load/raw-line.ts';
import { clientBytes, echoBytes, pongTo } from '../../shared/load/websocket-frames.ts';
import { openWebSocket } from '../../shared/load/websocket-line.ts';

const ANSWER_MS = 10_000;
const ONE = { messageBytes: 64, messages: 1 };
const MESSAGE = clientBytes(ONE);
const ECHO = echoBytes(ONE);

/** One WebSocket that is idle most of its time. It answers pings, as every client does. */
export class HeldWebSocket {
  readonly #line: RawLine;
  #failure = '';
  #kept = Buffer.alloc(0);
  #settle: ((failure: string | undefined) => void) | undefined;
  /** Resolves with why it did not open; undefined = it is open. */
  readonly opened: Promise<string | undefined>;

  constructor(url: URL) {
    this.opened = this.#wait();
    this.#line = openWebSocket(url, {
      onReady: () => this.#end(undefined),
      onBytes: (bytes, length) => this.#read(bytes.subarray(0, length)),
      onGone: (why) => this.#end((this.#failure = why)),
    });
  }

  get isOpen(): boolean {
    return this.#failure === '' && this.#line.isOpen;
  }

  /** Sends a message and waits for its echo. Resolves with what went wrong, undefined = it came. */
  echo(): Promise<string | undefined> {
    if (this.#failure !== '') return Promise.resolve(this.#failure);
    const answered = this.#wait();
    this.#line.write(MESSAGE);
    return answered;
  }

  close(): void {
    this.#failure = 'closed by the bench';
    this.#line.destroy();
  }

  #wait(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const patience = setTimeout(() => this.#end(`no answer within ${ANSWER_MS / 1000} s`), ANSWER_MS);
      this.#settle = (failure) => {
        clearTimeout(patience);
        resolve(failure);
      };
    });
  }

  /** All frames here are short: their second byte is their length. */
  #read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#kept, bytes]);
    while (rest.length >= 2 && rest.length >= 2 + (rest[1] ?? 0)) {
      const frame = rest.subarray(0, 2 + (rest[1] ?? 0));
      rest = rest.subarray(frame.length);
      const pong = pongTo(frame);
      if (pong !== undefined) this.#line.write(pong);
      else this.#end(frame.equals(ECHO) ? undefined : `something else came: ${frame.toString('hex')}`);
    }
    this.#kept = rest;
  }

  #end(failure: string | undefined): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(failure);
  }
}
