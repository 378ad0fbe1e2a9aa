import { PRIORITIES } from '../overload/priority.ts';
import type { Priority } from '../overload/priority.ts';
import { BATCH_SIZE_EDGES, DURATION_EDGES_SECONDS, histogramLength } from './histogram.ts';

/**
 * Where each number lies in the metrics' shared memory. Every request thread has a block of its own, which only it
 * writes and the front reads; a thread that takes a dead one's slot goes on counting where that one stopped, so a
 * counter never falls. A block holds one row for the thread itself, then rows for routes, upstreams and limit rules.
 */

/** Methods that have a series of their own; the rest is `other`. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const;
export type MethodLabel = (typeof METHODS)[number];

/** How an exchange was answered; `none` = the client left before. */
export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] as const;

/** Who decided a limit (decision.ts), and `shadow` for rules that only watch. */
export const LIMIT_MODES = ['store', 'cache', 'lease', 'local', 'open', 'closed', 'shadow'] as const;
export const LIMIT_OUTCOMES = ['granted', 'refused', 'unavailable'] as const;

/**
 * Why a front refused a client or closed on it, whatever the route: `http_refused_total`. The front counts some, the
 * threads the others (THREAD.refused).
 */
export const REFUSAL_CODES = [
  'bad_request',
  'header_too_large',
  'uri_too_long',
  'http_version_not_supported',
  'length_required',
  /** Too many connections: of the process, of an address, or too many new ones. */
  'overloaded',
  'no_threads',
  'draining',
  'proxy_protocol',
  'tls_handshake',
  /** The header did not come whole in time. */
  'header_timeout',
  /** The body came too slowly. */
  'request_timeout',
  /** The client does not read its answer. */
  'client_stalled',
  /** The client has more than its share under way. */
  'too_many_in_flight',
  'ip_not_allowed',
  /** A preflight from a page that may not use its route. */
  'origin_not_allowed',
  /** Its route, or all of them, are under maintenance. */
  'maintenance',
  /** Idle for too long; not refused, but closed by us. */
  'idle',
  /** Idle, and closed to make room for another client. */
  'evicted',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Why a thread refused a request because more came than could be served. */
export const SHED_REASONS = ['upstream', 'client', 'loop'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

/** How a request proved who it is; `none`: it did not try. */
export const AUTH_METHODS = ['api_key', 'jwt', 'certificate', 'none'] as const;
/** What came of it. */
export const AUTH_OUTCOMES = [
  'granted',
  'credentials_missing',
  'credentials_invalid',
  'token_expired',
  'not_allowed',
  'too_many_failures',
  'identity_unavailable',
] as const;
export type AuthOutcome = (typeof AUTH_OUTCOMES)[number];

/** What came of asking an authorizer; `passed`: it gave no answer, and the route lets pass then. */
export const AUTHORIZER_OUTCOMES = ['granted', 'denied', 'unavailable', 'passed'] as const;
export type AuthorizerOutcome = (typeof AUTHORIZER_OUTCOMES)[number];
/** Why a request was sent once more; `stale`: a kept connection had closed. */
export const RETRY_REASONS = ['stale', 'connect_failure', 'reset', 'timeout', 'status'] as const;
export type RetryReason = (typeof RETRY_REASONS)[number];
/** Which way messages of a WebSocket go. */
export const SOCKET_DIRECTIONS = ['from_client', 'from_upstream'] as const;
/** Who ended a WebSocket first. */
export const SOCKET_ENDERS = ['client', 'upstream', 'gateway'] as const;
/** With what: codes of close frames, `1005` one without a code, `1006` none at all. Applications have 3000 to 4999. */
export const SOCKET_CLOSE_CODES = [
  '1000',
  '1001',
  '1002',
  '1003',
  '1005',
  '1006',
  '1007',
  '1008',
  '1009',
  '1010',
  '1011',
  '1012',
  '1013',
  '1014',
  '3xxx',
  '4xxx',
  'other',
] as const;

/** Gives out consecutive places. */
function columns() {
  let length = 0;
  return {
    take(count = 1): number {
      const start = length;
      length += count;
      return start;
    },
    get length(): number {
      return length;
    },
  };
}

const DURATION = histogramLength(DURATION_EDGES_SECONDS);

const route = columns();
/** Columns of a route. */
export const ROUTE = {
  /** Three for each method: all, 5xx, 429. */
  requests: route.take(3 * METHODS.length),
  responses: route.take(STATUS_CLASSES.length),
  /** Seconds from the header to the last byte of the answer. */
  duration: route.take(DURATION),
  /** Bytes of bodies. */
  bytesReceived: route.take(),
  bytesSent: route.take(),
  /** One for each method and outcome of routes that authenticate. */
  auth: route.take(AUTH_METHODS.length * AUTH_OUTCOMES.length),
  /** One for each outcome of routes that ask an authorizer. */
  authorizer: route.take(AUTHORIZER_OUTCOMES.length),
  /** Of them those that were known without asking. */
  authorizerCacheHits: route.take(),
  /** Copies of requests, and those that were not made because they would have cost somebody something. */
  mirrored: route.take(),
  mirrorDropped: route.take(),
  /** WebSockets. */
  socketsOpened: route.take(),
  /** One for each of SOCKET_DIRECTIONS; bytes are of payloads as sent. */
  socketMessages: route.take(SOCKET_DIRECTIONS.length),
  socketMessageBytes: route.take(SOCKET_DIRECTIONS.length),
  socketMessagesRefused: route.take(),
  /** One for each of SOCKET_ENDERS and SOCKET_CLOSE_CODES. */
  socketsClosed: route.take(SOCKET_ENDERS.length * SOCKET_CLOSE_CODES.length),
  /** A gauge. */
  socketsOpen: route.take(),
} as const;

/** Column of a route's requests that authenticated so. */
export const authColumn = (method: (typeof AUTH_METHODS)[number], outcome: AuthOutcome): number =>
  ROUTE.auth + AUTH_METHODS.indexOf(method) * AUTH_OUTCOMES.length + AUTH_OUTCOMES.indexOf(outcome);

/** Column of a route's requests for which asking its authorizer ended so. */
export const authorizerColumn = (outcome: AuthorizerOutcome): number =>
  ROUTE.authorizer + AUTHORIZER_OUTCOMES.indexOf(outcome);
/** Column of a route's WebSockets that were ended so. */
export const socketClosedColumn = (by: (typeof SOCKET_ENDERS)[number], code: (typeof SOCKET_CLOSE_CODES)[number]) =>
  ROUTE.socketsClosed + SOCKET_ENDERS.indexOf(by) * SOCKET_CLOSE_CODES.length + SOCKET_CLOSE_CODES.indexOf(code);

/** The first of a method's three columns: all, 5xx, 429. */
export const firstRequestColumn = (method: MethodLabel): number => ROUTE.requests + 3 * METHODS.indexOf(method);

const upstream = columns();
/** Columns of an upstream. */
export const UPSTREAM = {
  /** Requests written to it, repeated ones included. */
  requests: upstream.take(),
  /** Requests written once more, one for each of RETRY_REASONS. */
  retries: upstream.take(RETRY_REASONS.length),
  /** Requests that would have been, had there been any budget left. */
  retriesRefused: upstream.take(),
  connectFailures: upstream.take(),
  /** Of them those for want of a descriptor, memory or port of this machine. */
  ownShortages: upstream.take(),
  responses: upstream.take(STATUS_CLASSES.length),
  /** Seconds from the request being sent to the end of the answer's header. */
  duration: upstream.take(DURATION),
  breakerRefused: upstream.take(),
  breakerProbes: upstream.take(),
  /** Gauges, set on each tick. */
  connectionsOpen: upstream.take(),
  connectionsIdle: upstream.take(),
  queued: upstream.take(),
} as const;

/** Column of an upstream's requests that were written once more for that. */
export const retryColumn = (reason: RetryReason): number => UPSTREAM.retries + RETRY_REASONS.indexOf(reason);

const rule = columns();
/** Columns of a limit rule: one for each mode and outcome. */
export const RULE = { decisions: rule.take(LIMIT_MODES.length * LIMIT_OUTCOMES.length) } as const;

/** Column of a rule's decisions of a mode that ended so. */
export const decisionColumn = (mode: (typeof LIMIT_MODES)[number], outcome: (typeof LIMIT_OUTCOMES)[number]): number =>
  RULE.decisions + LIMIT_MODES.indexOf(mode) * LIMIT_OUTCOMES.length + LIMIT_OUTCOMES.indexOf(outcome);

const thread = columns();
/** Columns of a thread. */
export const THREAD = {
  connectionsAccepted: thread.take(),
  accessLogDropped: thread.take(),
  /** Seconds from asking to deciding, of requests that had to wait. */
  decisionWait: thread.take(DURATION),
  /** Requests in one flush. */
  batchSize: thread.take(histogramLength(BATCH_SIZE_EDGES)),
  /** Seconds that the oldest request of a flush waited before it was sent. */
  batchWait: thread.take(DURATION),
  /** Seconds from sending a flush to its answer. */
  redisRoundTrip: thread.take(DURATION),
  /** Scripts sent, including those sent again after NOSCRIPT. */
  redisCommands: thread.take(),
  /** Scripts sent again as a whole because Redis had lost them. */
  redisScriptLoads: thread.take(),
  redisTimeouts: thread.take(),
  /** Error replies and broken connections. */
  redisErrors: thread.take(),
  /** Buckets in Redis that were no buckets, or held no level that can be, and started full. */
  damagedBuckets: thread.take(),
  /** Decisions for clients without a bucket of their own, because there was no room for one. */
  decidedByAddress: thread.take(),
  /** Debts that there was no room for. */
  debtsForgotten: thread.take(),
  /** Seconds that the thread's tick came late. */
  loopLag: thread.take(DURATION),
  /** One for each of REFUSAL_CODES. */
  refused: thread.take(REFUSAL_CODES.length),
  /** One for each of SHED_REASONS and PRIORITIES. */
  shed: thread.take(SHED_REASONS.length * PRIORITIES.length),
  /** Credentials that were known without being verified. */
  authCacheHits: thread.take(),
  /** Answers that lasted and had no room among the streams. */
  streamsRefused: thread.take(),
  /** Gauges. The first is one of STORE_STATE. */
  storeState: thread.take(),
  heapUsedBytes: thread.take(),
  /** Answers that have left the counts of their pools. */
  streams: thread.take(),
  /** Buckets in which this thread owes tokens. */
  owingBuckets: thread.take(),
} as const;

/** A thread's column of a refusal. */
export const refusedColumn = (code: RefusalCode): number => THREAD.refused + REFUSAL_CODES.indexOf(code);

/** A thread's column of requests that were refused for that. */
export const shedColumn = (reason: ShedReason, priority: Priority): number =>
  THREAD.shed + SHED_REASONS.indexOf(reason) * PRIORITIES.length + priority;

/** Values of THREAD.storeState. */
export const STORE_STATE = { none: 0, asked: 1, skipped: 2 } as const;

/** Columns that say how things are now: they are emptied when their thread has gone. */
export const THREAD_GAUGES = [THREAD.storeState, THREAD.heapUsedBytes, THREAD.streams, THREAD.owingBuckets] as const;
export const ROUTE_GAUGES = [ROUTE.socketsOpen] as const;
export const UPSTREAM_GAUGES = [UPSTREAM.connectionsOpen, UPSTREAM.connectionsIdle, UPSTREAM.queued] as const;

/** Rows of each kind: names beyond them share the row `(other)`. Pages that nobody writes cost no memory. */
export const ROWS = { route: 1_024, upstream: 256, rule: 256 } as const;
export type RowKind = keyof typeof ROWS;

/** Names no configuration can have, and their rows, the same in every kind. */
export const OTHER_ROW = 0;
export const OTHER_NAME = '(other)';
/** Requests that no route takes. */
export const NO_ROUTE_ROW = 1;
export const NO_ROUTE_NAME = '(none)';
/** `/health` and `/ready`. */
export const PROBE_ROW = 2;
export const PROBE_NAME = '(probe)';
/** Preflights of CORS that are answered here. */
export const PREFLIGHT_ROW = 3;
export const PREFLIGHT_NAME = '(preflight)';

const ROW_LENGTH: Readonly<Record<RowKind, number>> = {
  route: route.length,
  upstream: upstream.length,
  rule: rule.length,
};

const START: Readonly<Record<RowKind, number>> = {
  route: thread.length,
  upstream: thread.length + ROWS.route * route.length,
  rule: thread.length + ROWS.route * route.length + ROWS.upstream * upstream.length,
};

/** Numbers in one thread's block; whole cache lines, so that threads never share one. */
const BLOCK_LENGTH = Math.ceil((START.rule + ROWS.rule * rule.length) / 8) * 8;

export const createMetricMemory = (slots: number): SharedArrayBuffer =>
  new SharedArrayBuffer(slots * BLOCK_LENGTH * Float64Array.BYTES_PER_ELEMENT);

/** The block of a thread; its columns of THREAD start at 0. */
export const blockOf = (memory: SharedArrayBuffer, slot: number): Float64Array =>
  new Float64Array(memory, slot * BLOCK_LENGTH * Float64Array.BYTES_PER_ELEMENT, BLOCK_LENGTH);

/** Where a row starts in a block. */
export const rowStart = (kind: RowKind, row: number): number => START[kind] + row * ROW_LENGTH[kind];

/** Rows by name, for one configuration; sent to the threads with it. Rules by their label (rule.ts). */
export type MetricRows = Readonly<Record<RowKind, Readonly<Record<string, number>>>>;

/** Row of a name, `(other)` for one that has none. */
export const rowOf = (rows: MetricRows, kind: RowKind, name: string): number => {
  const known = rows[kind];
  return Object.hasOwn(known, name) ? (known[name] as number) : OTHER_ROW;
};
