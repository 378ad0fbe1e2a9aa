import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy on the loopback that can hold back what the target answers. */
export interface SlowProxy {
  readonly port: number;
  /** From now on each piece of an answer comes so many milliseconds late; never overtakes an earlier one. */
  delayAnswers(ms: number): void;
  close(): Promise<void>;
}

/** In this process: it is in use for one gateway's few connections only. */
export async function startSlowProxy(targetPort: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    const late = new LateWriter((chunk) => client.write(chunk));
    client.on('data', (chunk: Buffer) => target.write(chunk));
    target.on('data', (chunk: Buffer) => late.write(chunk, delayMs));
    target.once('close', () => late.end());
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}); // `close` follows
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    delayAnswers: (ms) => void (delayMs = ms),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Writes each piece late, in the order they came, also where the delay has become shorter meanwhile. */
export class LateWriter {
  readonly #to: (chunk: Buffer) => void;
  readonly #held: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(to: (chunk: Buffer) => void) {
    this.#to = to;
  }

  write(chunk: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#held.length === 0) {
      this.#to(chunk);
      return;
    }
    this.#held.push({ chunk, dueMs: Math.max(performance.now() + delayMs, this.#held.at(-1)?.dueMs ?? 0) });
    this.#timer ??= setTimeout(() => this.#release(), delayMs);
  }

  /** Drops what is still held. */
  end(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #release(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (let [first] = this.#held; first !== undefined && first.dueMs <= nowMs; [first] = this.#held) {
      this.#held.shift();
      this.#to(first.chunk);
    }
    const [next] = this.#held;
    if (next !== undefined) this.#timer = setTimeout(() => this.#release(), Math.ceil(next.dueMs - nowMs));
  }
}
