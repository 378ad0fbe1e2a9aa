/** Argument of the holder, as JSON. */
export interface HolderPlan {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Connections from one loopback address; the next ones come from 127.0.0.2 and so on. */
  readonly perAddress: number;
}

/** What the holder is asked to do; one order at a time, each is answered by one report. */
export type ToHolder =
  /** So many connections, one request on each. */
  | { readonly type: 'open'; readonly count: number }
  /** One more request on so many of them, evenly spread. */
  | { readonly type: 'sample'; readonly count: number }
  | { readonly type: 'close' };

export interface HolderReport {
  /** Requests of this order that were answered with 200, and those that were not. */
  readonly answered: number;
  readonly failed: number;
  /** Connections that are open now. */
  readonly open: number;
  /** What the first failure was. */
  readonly failure: string | undefined;
}
