/** What may be repeated beside certain statuses: no connection came about; one was cut before the answer. */
export type RepeatedFailure = 'connect_failure' | 'reset';

/** When a request of a route is sent once more. */
export interface RetriesConfig {
  /** Beyond the first, at least 1. */
  readonly attempts: number;
  readonly failures: readonly RepeatedFailure[];
  /** Of answers; 500 to 599. */
  readonly statuses: readonly number[];
  /** One that may be repeated is given up after so long without an answer's header; 0 = as any request. */
  readonly perTryMs: number;
  /** Also methods that are not idempotent by themselves. */
  readonly anyMethod: boolean;
}

/** How many repeats an upstream is offered. */
export interface RetryBudgetConfig {
  /** Of first attempts within the window, 0 to 100. */
  readonly percent: number;
  /** So many a second are allowed where the share is less: of the node, at least one of a thread. */
  readonly minPerSecond: number;
  readonly windowMs: number;
}
