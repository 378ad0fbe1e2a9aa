import type { Cluster, Redis } from 'ioredis';

/** An attempt that goes on has left these states long before. */
const GIVEN_UP_MS = 1_000;

/**
 * Sees whether a client has given up on its cluster without a word, and connects it again. ioredis does so where the last
 * connection of an attempt that failed ends while the next one looks up its start nodes, or where that is told to
 * disconnect meanwhile: it finds its state another, stops, and leaves `close` or `disconnecting` for good.
 */
export class GivenUp {
  readonly #client: Redis | Cluster;
  #sinceMs: number | undefined;

  constructor(client: Redis | Cluster) {
    this.#client = client;
  }

  /** Called now and then by who keeps the client, until he disconnects it. @param nowMs monotonic */
  look(nowMs: number): void {
    const { status } = this.#client;
    if (status !== 'close' && status !== 'disconnecting') {
      this.#sinceMs = undefined;
      return;
    }
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs < GIVEN_UP_MS) return;
    this.#sinceMs = undefined;
    this.#client.connect().catch(() => {}); // told as an error of the client
  }
}
