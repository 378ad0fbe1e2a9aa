import type { Config } from '../../shared/config/types.ts';
import type { RefusalCode } from '../../shared/metrics/layout.ts';
import type { FromFrontThread, ThreadFront } from '../../shared/threads/protocol.ts';

/** A thread as the ring knows it. */
export interface RingMember {
  readonly slot: number;
  /** What it said with `listening`. */
  readonly descriptor: unknown;
}

/** The threads that get connections. Adding twice or removing what is not there does nothing. */
export interface Ring {
  add(thread: RingMember): void;
  remove(thread: RingMember): void;
}

/** What accepts the connections of clients, and how they come to the request threads. */
export interface Acceptor {
  readonly kind: ThreadFront['kind'];
  readonly ring: Ring;
  /** For a thread that is about to be started in this slot. */
  forThread(slot: number): ThreadFront;
  /** The thread in this slot has exited, and is out of the ring. */
  threadGone(slot: number): void;
  /** From the thread in this slot. */
  receive(slot: number, message: FromFrontThread): void;
  /** @returns the port (a free one for 0). Rejects with an error that has a `code`: the address cannot be listened on. */
  listen(host: string, port: number): Promise<number>;
  /** How often the front itself refused a client or closed on it. */
  refused(code: RefusalCode): number;
  /** Of them those that made more connections than CONNECTION_RATE_PER_IP lets them. */
  readonly refusedByRate: number;
  /** Why clients are not accepted now, as a person reads it; '' when they are. */
  readonly problem: string;
  /** A new configuration, before the threads get it. */
  configure(config: Config): void;
  /**
   * Stops accepting, with as few resets of clients that the kernel has let in as can be; connections that threads hold go
   * on. `close` follows.
   */
  stopAccepting(): Promise<void>;
  /** Stops accepting; connections that threads hold go on. */
  close(): void;
}
