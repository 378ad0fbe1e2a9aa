import type { Cluster, Redis } from 'ioredis';
import { redisFailure } from '../../shared/redis/connection.ts';
import { GivenUp } from '../../shared/redis/given-up.ts';

const LOOK_EVERY_MS = 1_000;
/** A connection on which nothing has come for so many looks is asked; one that is used says enough by its answers. */
const QUIET_LOOKS = 15;
/** A connection that is back sooner is nobody's concern. */
const NOTICED_MS = 1_000;

export interface PeerWatchOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** The problem is another: '' = there is none any more. */
  readonly onChange: (problem: string) => void;
  /** The peer of this connection may have gone: others may have, too. */
  readonly onDoubt?: () => void;
}

/**
 * Sees whether what is at the other end of one connection answers. What is asked on it anyway says so; where nothing is, it
 * is asked now and then, and at once when another connection is in doubt. A peer that vanished without a word is so found:
 * the connection has a time limit for answers (`connectRedis`), and is then made anew.
 */
export class PeerWatch {
  readonly #client: Redis | Cluster;
  readonly #options: PeerWatchOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #givenUp: GivenUp;
  #asking = false;
  #closed = false;
  /** What the connection last failed with, since it last answered. */
  #lastError: string | undefined;
  #failingSinceMs: number | undefined;
  /** Bytes that have come, of each peer. */
  #heard = new WeakMap<Redis, number>();
  #quietLooks = 0;
  #problem = '';

  /** @param client closed by whoever made it, after `close` */
  constructor(client: Redis | Cluster, options: PeerWatchOptions) {
    this.#client = client;
    this.#options = options;
    this.#givenUp = new GivenUp(client);
    client.on('error', (error: Error) => {
      this.#lastError = redisFailure(error);
    });
    client.on('ready', () => void this.#ask());
    client.on('close', () => this.#doubt());
    // ioredis gives up where it is told to reconnect while it still asks Sentinels: an end that is not ours is none.
    client.on('end', () => {
      if (!this.#closed) client.connect().catch(() => {});
    });
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
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

  /** Asks at once: somebody has reason to believe that Redis has gone. */
  ask(): void {
    if (this.#client.status === 'ready') void this.#ask();
  }

  #look(): void {
    this.#givenUp.look(this.#options.clock());
    if (this.#client.status !== 'ready') return this.#failed(this.whyNot);
    const isQuiet = !this.#hasHeard();
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    if (!isQuiet && this.#failingSinceMs === undefined) return;
    if (this.#quietLooks >= QUIET_LOOKS || this.#failingSinceMs !== undefined) void this.#ask();
  }

  /** Whether every peer has said something since the last look. */
  #hasHeard(): boolean {
    let all = true;
    for (const peer of this.#peers()) {
      const bytes = peer.stream?.bytesRead ?? 0;
      if (bytes === this.#heard.get(peer)) all = false;
      this.#heard.set(peer, bytes);
    }
    return all;
  }

  #peers(): readonly Redis[] {
    const client = this.#client;
    return 'nodes' in client ? client.nodes('master') : [client];
  }

  #doubt(): void {
    if (!this.#closed) this.#options.onDoubt?.();
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#quietLooks = 0;
    try {
      await Promise.all(this.#peers().map(async (peer) => peer.ping()));
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
    if (this.#failingSinceMs === undefined) this.#doubt();
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
