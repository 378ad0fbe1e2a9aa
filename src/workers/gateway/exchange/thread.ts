import type { Log } from '../../../shared/log.ts';
import type { BreakerGate } from '../breaker/gate.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ThreadLimits } from '../limits/thread-limits.ts';
import type { Maintenance } from '../maintenance/maintenance.ts';
import type { RequestIds } from '../request-id.ts';
import type { RoutingTable } from '../routing-table.ts';
import type { LoopShedding } from '../overload/loop-shedding.ts';
import type { ClientsInFlight } from './clients-in-flight.ts';
import type { BodyRoom } from './gathered-body.ts';
import type { ProbedThread } from './probes.ts';
import type { RecordingThread } from './record.ts';
import type { Reader } from './slow-readers.ts';
import type { UntrustedProxy } from './untrusted-proxy.ts';
import type { ThreadWebSockets } from '../websocket/thread-websockets.ts';

/** The thread's list of exchanges in flight: a Set would hash two times for each. */
export interface LinkedExchange extends Reader {
  previous: LinkedExchange | undefined;
  next: LinkedExchange | undefined;
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  /** Name of its buckets; '' where none are looked at. */
  readonly limitClient: string;
  /** The thread is closing. */
  abandon(): void;
}

/** An exchange whose request body is on its way. */
export interface Uploading {
  keepUploadAlive(): void;
}

/** An exchange that forwards its request once something of its body is here. */
export interface AwaitingBody {
  onBodyBegins(): void;
  onFault(error: unknown): void;
}

/** What exchanges use of the thread they live on. */
export interface ExchangeThread extends ProbedThread, RecordingThread {
  readonly log: Log;
  readonly scheme: 'http' | 'https';
  readonly deadlines: Deadlines;
  readonly limits: ThreadLimits;
  readonly breaker: BreakerGate;
  readonly maintenance: Maintenance;
  readonly table: RoutingTable;
  readonly requestIds: RequestIds;
  readonly uploads: Set<Uploading>;
  readonly bodyRoom: BodyRoom;
  readonly clientsInFlight: ClientsInFlight;
  /** `undefined` = nothing is refused because this thread is late. */
  readonly shedding: LoopShedding | undefined;
  readonly untrustedProxy: UntrustedProxy;
  readonly websockets: ThreadWebSockets;
  readonly inFlight: number;
  /** Routes are looked for as if `//` in a path were `/`. */
  readonly mergesSlashes: boolean;
  /** Answers say how often their request was sent, where that is more than once. */
  readonly tellsAttempts: boolean;
  /** Over the cap of exchanges, or the connection is one too many: then the refusal sheds it. */
  isOverloaded(address: string): boolean;
  /** Calls onBodyBegins once this turn of the loop has brought what it has of the request's body. */
  sendSoon(exchange: AwaitingBody): void;
  onExchangeOver(exchange: LinkedExchange): void;
}
