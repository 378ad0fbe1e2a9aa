import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isIP } from 'node:net';
import { RedisRefusal } from './rdb-stream.ts';
import { showServer } from './redis-server-at.ts';
import type { RedisServerAt } from './redis-server-at.ts';

export interface LinkOptions {
  readonly signal: AbortSignal;
  /** Without a byte for so long, whatever is waited for, the link is given up. */
  readonly silenceMs: number;
}

/**
 * A connection on which we are a replica. ioredis is no help here: what comes after PSYNC is not RESP.
 */
export class ReplicaLink implements Disposable {
  readonly #server: RedisServerAt;
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #early: Buffer = Buffer.alloc(0);

  constructor(server: RedisServerAt, { signal, silenceMs }: LinkOptions) {
    this.#server = server;
    const { host, port, config } = server;
    const name = showServer(server);
    this.#socket = config.tls
      ? connectTls({
          host,
          port,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(config.tlsCa === undefined ? {} : { ca: config.tlsCa }),
        })
      : connectTcp({ host, port });
    this.#socket.setTimeout(silenceMs, () =>
      this.#socket.destroy(new Error(`${name} said nothing for ${Math.round(silenceMs / 1000)} s`)),
    );
    const abort = (): void => void this.#socket.destroy(asError(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    this.#socket.once('close', () => signal.removeEventListener('abort', abort));
    this.#socket.on('error', () => {}); // whoever reads hears of it
    if (signal.aborted) abort();
    this.#chunks = this.#socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Asks for an answer of one line. @throws {RedisRefusal} when it is an error */
  async ask(...words: readonly string[]): Promise<string> {
    this.send(...words);
    for (;;) {
      const end = this.#early.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#early.toString('latin1', 0, end);
        this.#early = this.#early.subarray(end + 2);
        if (line.startsWith('-')) throw new RedisRefusal(line.slice(1));
        if (!line.startsWith('+')) throw this.#odd(line);
        return line.slice(1);
      }
      if (this.#early.length > 1024) throw this.#odd(this.#early.toString('latin1', 0, 80));
      this.#early = Buffer.concat([this.#early, await this.#next()]);
    }
  }

  send(...words: readonly string[]): void {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
  }

  /** What comes from now on, as it comes. @throws {Error} when the connection ends */
  async *bytes(): AsyncGenerator<Buffer> {
    if (this.#early.length > 0) yield this.#early;
    for (;;) yield await this.#next();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #next(): Promise<Buffer> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#chunks.next();
    } catch (error) {
      throw new Error(`the connection to ${showServer(this.#server)} failed: ${asError(error).message}`, {
        cause: error,
      });
    }
    if (next.done === true) throw new Error(`${showServer(this.#server)} closed the connection before all had come`);
    return next.value;
  }

  #odd(line: string): Error {
    return new Error(`${showServer(this.#server)} is no Redis: it answered ${JSON.stringify(line.slice(0, 80))}`);
  }
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
