import type { Burst } from './websocket-frames.ts';

/** The request that is sent again and again. */
export interface LoadRequest {
  /** Names the generated script. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly requestBody: string | undefined;
  /** Fields of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A field with another value in every request: `client-1` … `client-<count>` in turn. */
  readonly rotated?: { readonly header: string; readonly count: number };
  /** So many on their way at once on each connection, default 1. Then wrk's latencies are those of whole batches. Not in an open loop. */
  readonly pipelined?: number;
  /** A connection for each: the request says so in a Connection field. Not in an open loop. */
  readonly newConnections?: true;
  /** Not requests but messages over WebSockets that are opened before, so many at once on each; their echo is the answer. */
  readonly websocket?: Burst;
  /** Statuses other than 2xx are what the run is for: counted, and no problem. */
  readonly countStatuses?: boolean;
}

export interface LoadPlan {
  readonly request: LoadRequest;
  readonly url: string;
  /** Further nodes of one subject: the connections are dealt out over all of them in turn. Not with wrk. */
  readonly moreUrls?: readonly string[] | undefined;
  readonly seconds: number;
  readonly connections: number;
  /**
   * Open loop: so many requests a second, however slow the answers are; latencies count from the moment a request was due.
   * Undefined = closed loop, each connection sends again when it was answered.
   */
  readonly ratePerSecond?: number | undefined;
  /** Open loop only: when a request is given up; default 10,000. */
  readonly timeoutMs?: number;
  /** Open loop only: the connections come from these addresses in turn, so that they are several clients. */
  readonly fromAddresses?: readonly string[];
  /** Open loop only: moments of the run, rising, between which the p99 of the requests due there is told as well. */
  readonly splitsMs?: readonly number[];
  /** Also tells what happened in each slice of so many milliseconds; not with wrk. */
  readonly timelineMs?: number;
}

/** What was seen in one slice of a timeline. */
export interface TimeSlice {
  /** Its beginning, counted from the first request of the run. */
  readonly atMs: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without a whole answer: connection refused, cut off, timed out. */
  readonly errors: number;
  /** Of the answers that came in this slice; 0 = none came. */
  readonly p99Us: number;
  /** Slowest answer that came in this slice; 0 = none came. */
  readonly maxUs: number;
}

/** What a load run saw. `problems` is empty for a run that may be used. */
export interface LoadResult {
  /** Complete answers, of any status. */
  readonly requests: number;
  /** Answers by status; with wrk only where the plan has `countStatuses`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without a whole answer. */
  readonly errors: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Cores the load generator kept busy; 1 = its only thread could not have sent more. */
  readonly busyCores: number;
  /** Open loop only: how much later than due requests left although a connection was free. The generator's own fault. */
  readonly lateP99Us?: number;
  readonly lateP90Us?: number;
  readonly lateP999Us?: number;
  /** Of each part where the plan splits the run; 0 = none was answered. */
  readonly partsP99Us?: readonly number[];
  /** Empty unless the plan asked for it. */
  readonly timeline: readonly TimeSlice[];
  readonly problems: readonly string[];
}

/** What a load child tells its parent. */
export type LoadMessage = { readonly type: 'started' } | { readonly type: 'result'; readonly result: LoadResult };
