import { connect } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { answerLength } from '../../shared/load/connection.ts';

const ANSWER_MS = 10_000;

/** One keep-alive connection that is idle most of its time. */
export class HeldConnection {
  readonly #socket: Socket;
  #text = '';
  #failure = 'closed by the server';
  #settle: ((failure: string | undefined) => void) | undefined;

  constructor(target: TcpNetConnectOpts) {
    this.#socket = connect(target).setNoDelay(true).setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => this.#read(chunk));
    this.#socket.on('error', (error) => (this.#failure = error.message)); // `close` follows
    this.#socket.once('close', () => this.#end(this.#failure));
    this.#socket.on('timeout', () => this.#socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
  }

  get open(): boolean {
    return this.#socket.readyState === 'open';
  }

  /** Sends a request, waits for the whole answer. Resolves with what went wrong, undefined = a 200 came. */
  ask(request: Buffer): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve(this.#failure);
      this.#settle = resolve;
      this.#socket.setTimeout(ANSWER_MS);
      this.#socket.write(request);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve();
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }

  #read(chunk: string): void {
    this.#text += chunk;
    if (answerLength(this.#text) === undefined) return;
    const status = this.#text.slice(9, 12);
    this.#text = '';
    this.#end(status === '200' ? undefined : `status ${status}`);
  }

  #end(failure: string | undefined): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#socket.setTimeout(0); // idle for as long as it likes
    settle?.(failure);
  }
}
