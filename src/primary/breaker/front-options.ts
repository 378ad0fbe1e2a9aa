import type { ToBreakerThread } from '../../shared/breaker/messages.ts';
import type { BreakerUpstream } from '../../shared/breaker/rule.ts';
import type { BreakerAuthority } from './authority.ts';
import type { BreakerListener } from './view.ts';

export interface BreakerFrontOptions {
  /** createBreakerMemory(…), the one the threads get. */
  readonly memory: SharedArrayBuffer;
  /** Unique among nodes and starts: letters, digits, `.`, `_`, `-`. Shows as `<upstream>:node`. */
  readonly node: string;
  readonly upstreams: readonly BreakerUpstream[];
  /** To the thread in this place; one that is gone is no error. */
  readonly send: (thread: number, message: ToBreakerThread) => void;
  /** Undefined: no Redis is configured. */
  readonly authority: BreakerAuthority | undefined;
  /** Nodes that live, this one included; for `minNodes`. */
  readonly liveNodes: () => number;
  /** createProcessClock(). */
  readonly clock: () => number;
  /** Time of day; read once, so that the process's own epochs start near it. */
  readonly wallClock: () => number;
  readonly random: () => number;
  readonly listener: BreakerListener;
  /** What a listener has thrown, once for each message. */
  readonly onListenerError?: (error: unknown) => void;
  /** Failures reach Redis at most this much later; the first after a lull goes at once. */
  readonly batchMs?: number;
}
