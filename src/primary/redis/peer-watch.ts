import type { Cluster, Redis } from 'ioredis';
import { failureOf } from '../../shared/redis/connection.ts';

const ASK_EVERY_MS = 1_000;
/** A connection that is back sooner is nobody's concern. */
const NOTICED_MS = 1_000;

export interface PeerWatchOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** The problem is another: '' = there is none any more. */
  readonly onChange: (problem: string) => void;
}

/**
 * Asks what is at the other end of one connection every second. A peer that vanished without a word is so found also where
 * nobody else asks: the connection has a time limit for answers (`connectRedis`), and is then made anew.
 */
export class PeerWatch {
  readonly #client: Redis | Cluster;
  readonly #options: PeerWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #asking = false;
  #closed = false;
  /** What the connection last failed with, since it last answered. */
  #lastError: string | undefined;
  #failingSinceMs: number | undefined;
  #problem = '';

  /** @param client closed by whoever made it, after `close` */
  constructor(client: Redis | Cluster, options: PeerWatchOptions) {
    this.#client = client;
    this.#options = options;
    client.on('error', (error: Error) => {
      this.#lastError = failureOf(error).message;
    });
    client.on('ready', () => void this.#ask());
    // ioredis gives up where it is told to reconnect while it still asks Sentinels: an end that is not ours is none.
    client.on('end', () => {
      if (!this.#closed) client.connect().catch(() => {});
    });
    this.#timer = setInterval(() => this.#look(), ASK_EVERY_MS).unref();
  }

  /** Why it does not answer; '' = it does, or it has not been silent for long enough to say so. */
  get problem(): string {
    return this.#problem;
  }

  /** The newest reason why it is not connected, also where that is not yet worth saying. */
  get whyNot(): string {
    return this.#lastError ?? 'not connected';
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#client.status === 'ready') void this.#ask();
    else this.#failed(this.whyNot);
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    const client = this.#client;
    const peers = 'nodes' in client ? client.nodes('master') : [client];
    try {
      await Promise.all(peers.map(async (peer) => peer.ping()));
      this.#answered();
    } catch (error) {
      // A word of Redis itself says more than that the connection broke.
      const said = error instanceof Error && error.name === 'ReplyError' ? error.message : undefined;
      if (said !== undefined && isAnswer(said)) this.#answered();
      else this.#failed(said ?? this.whyNot);
    } finally {
      this.#asking = false;
    }
  }

  #answered(): void {
    this.#lastError = undefined;
    this.#failingSinceMs = undefined;
    this.#tell('');
  }

  #failed(reason: string): void {
    const nowMs = this.#options.clock();
    this.#failingSinceMs ??= nowMs;
    if (nowMs - this.#failingSinceMs >= NOTICED_MS) this.#tell(reason);
  }

  #tell(problem: string): void {
    if (this.#closed || problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onChange(problem);
  }
}

/** It is there and lets us in; only this question is not for us. */
const isAnswer = (message: string): boolean => /^NOPERM|unknown command/i.test(message);
