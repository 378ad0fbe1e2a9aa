import type { BreakerPlaces, BreakerThreadStart, FromBreakerThread, ToBreakerThread } from '../breaker/messages.ts';
import type { Config, LogLevel } from '../config/types.ts';
import type { HealthPlaces, HealthThreadStart } from '../health/memory.ts';
import type { FromJwtThread, IssuerKeys, ToJwtThread } from '../identity/jwt-messages.ts';
import type { FromKeyThread, ToKeyThread } from '../identity/key-messages.ts';
import type { FromLimitThread, ToLimitThread } from '../limits/messages.ts';
import type { ThreadOverride } from '../limits/overrides.ts';
import type { FromMaintenanceThread, ThreadMaintenance, ToMaintenanceThread } from '../maintenance/maintenance.ts';
import type { ConcurrencyRows, ConcurrencyStart } from '../overload/concurrency-memory.ts';
import type { MetricRows } from '../metrics/layout.ts';
import type { ProfileMessage } from '../profile/order.ts';
import type { ConnectionMemory } from './connection-table.ts';
import type { TlsMaterial } from '../tls/material.ts';
import type {
  FromUpstreamThread,
  NewDrains,
  NewSplits,
  NewTargets,
  TargetSets,
  ToUpstreamThread,
} from '../upstreams/messages.ts';

/**
 * What the front and a request thread say to each other. Requests never cross: the front hands over sockets (through
 * descriptors), this is only how a thread is started, reconfigured, drained and asked to go.
 */

/** How client connections come to a request thread. */
export type ThreadFront =
  /** uWebSockets.js hands them over by the descriptor of `listening`. */
  | { readonly kind: 'uws' }
  /** Through a socket that the thread connects to (workers/gateway/fronts/native/receiver.ts). */
  | {
      readonly kind: 'native';
      /** Name in the abstract namespace, with its leading NUL. */
      readonly pipe: string;
      /** Proves that it is this thread which connects. */
      readonly secret: string;
      readonly connections: ConnectionMemory;
    }
  /** The thread listens itself when it is told to, because Node's own handles cannot be had. */
  | { readonly kind: 'public' };

/** workerData of a request thread. */
export interface RequestThreadStart {
  readonly kind: 'request';
  /** Row in the shared memory and the thread's number in logs. */
  readonly slot: number;
  readonly front: ThreadFront;
  readonly config: Config;
  readonly configVersion: number;
  /** Set exactly when `config.server.tls` is. */
  readonly tls: TlsMaterial | undefined;
  readonly heartbeats: SharedArrayBuffer;
  /** Starts the request ids of this thread: random, unique among threads and starts. */
  readonly requestIdPrefix: string;
  readonly breaker: BreakerThreadStart;
  readonly health: HealthThreadStart;
  readonly targetSets: TargetSets;
  readonly concurrency: ConcurrencyStart;
  /** Targets that an operator has drained, by `targetKey`. */
  readonly targetDrains: readonly string[];
  /** Weights that an operator has moved, by `splitKey`. */
  readonly splitWeights: NewSplits['weights'];
  /** createBucketMemory(…): where the process limits by itself, without a Redis or while it cannot be asked. */
  readonly memoryBuckets: SharedArrayBuffer;
  /** Nodes that share the Redis, this one included. */
  readonly liveNodes: number;
  /** Clients that are banned or exempt when the thread is made. */
  readonly limitOverrides: readonly ThreadOverride[];
  /** What is under maintenance when the thread is made. */
  readonly maintenance: readonly ThreadMaintenance[];
  /** @see ToLimitThread clients-full */
  readonly clientsFull: boolean;
  /** Keys that tokens are verified with, as the front had them when the thread was made. */
  readonly issuerKeys: readonly IssuerKeys[];
  /** What the front knew to be degraded when the thread was made. */
  readonly degraded: readonly string[];
  /** createMetricMemory(…); this thread's block is that of its slot. */
  readonly metrics: SharedArrayBuffer;
  readonly metricRows: MetricRows;
  /** Of the front now; it may have been set apart from the configuration. */
  readonly logLevel: LogLevel;
}

/** Of the native and the public front. */
export type ToFrontThread =
  /** Room is needed: close this connection if it is still idle since then (ConnectionRows.isIdleSince). */
  | { readonly type: 'close-idle'; readonly index: number; readonly since: number }
  /** Front `public`: listen, and say `listened`. With `reusePort` other threads listen on the same port. */
  | { readonly type: 'listen'; readonly host: string; readonly port: number; readonly reusePort: boolean }
  /** Front `public`: accept no more, and say `unlistened`; connections go on. */
  | { readonly type: 'unlisten' };

/** Of the public front. */
export type FromFrontThread =
  | { readonly type: 'listened'; readonly port: number }
  /** @see listen-problem.ts for the codes */
  | { readonly type: 'listen-failed'; readonly code: string }
  | { readonly type: 'unlistened' };

/** Other keys of session tickets, between two configurations. */
interface NewTicketKeys {
  readonly type: 'ticket-keys';
  readonly keys: readonly Uint8Array[];
}

/** To the thread as a whole. */
export type ToThreadItself =
  /** Apply a new configuration to requests that arrive from now on; those in flight keep the old one. */
  | {
      readonly type: 'config';
      readonly config: Config;
      readonly version: number;
      readonly tls: TlsMaterial | undefined;
      readonly breakerPlaces: BreakerPlaces;
      readonly healthPlaces: HealthPlaces;
      readonly targetSets: TargetSets;
      readonly concurrencyRows: ConcurrencyRows;
      readonly metricRows: MetricRows;
    }
  /**
   * The descriptor is out of the ring. `/ready` answers 503, every answer carries Connection: close; when nothing is in
   * flight or the deadline has passed the thread closes its app, says `closed` and exits.
   */
  | { readonly type: 'drain'; readonly deadlineMs: number }
  /** `/ready` turns 503 and answers carry Connection: close, but connections still arrive. */
  | { readonly type: 'lame-duck' }
  /** Close at once. */
  | { readonly type: 'abort' }
  /** Until the next one or the next `config`, which sets its own. */
  | { readonly type: 'log-level'; readonly level: LogLevel }
  | ProfileMessage
  /** What the front knows to be degraded, for `/health`; empty = nothing. */
  | { readonly type: 'degraded'; readonly reasons: readonly string[] };

/** Of a thread as a whole. */
export type FromThreadItself =
  /** Connections may come. The descriptor is uWS's, opaque; undefined on the other fronts. */
  | { readonly type: 'listening'; readonly descriptor: unknown }
  | { readonly type: 'config-applied'; readonly version: number }
  /** The thread caught a fault of its own, has closed to new work and asks to be replaced. */
  | { readonly type: 'failed'; readonly reason: string }
  /** Its app is closed and no socket is open: exiting is safe now. */
  | { readonly type: 'closed'; readonly aborted: number };

/** A message with the part that it is for: it is looked at once, where messages arrive, and the part gets its own. */
type For<To extends string, Message> = Message extends unknown ? { readonly to: To } & Message : never;

export type ToRequestThread =
  | For<'thread', ToThreadItself>
  | For<'front', ToFrontThread | NewTicketKeys>
  | For<'limits', ToLimitThread>
  | For<'breaker', ToBreakerThread>
  | For<'upstreams', ToUpstreamThread | NewTargets | NewDrains | NewSplits>
  | For<'identity', ToJwtThread>
  | For<'keys', ToKeyThread>
  | For<'maintenance', ToMaintenanceThread>;

export type FromRequestThread =
  | For<'threads', FromThreadItself>
  | For<'acceptor', FromFrontThread>
  | For<'limits', FromLimitThread>
  | For<'breaker', FromBreakerThread>
  | For<'upstreams', FromUpstreamThread>
  | For<'identity', FromJwtThread>
  | For<'keys', FromKeyThread>
  | For<'maintenance', FromMaintenanceThread>;
