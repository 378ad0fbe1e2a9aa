import type { Log } from '../../shared/log.ts';
import type { Job, JobAbility, JobProgress, JobResult } from './job.ts';

/** `waiting`: also for the next attempt; then `reason` says what the last one failed with. */
export type RunState = 'waiting' | 'running' | 'succeeded' | 'failed';

/** What is known of one run, on every node. Times are ms of the wall clock. */
export interface RunRecord {
  readonly id: string;
  readonly job: string;
  readonly slotMs: number;
  readonly asked: 'schedule' | 'hand';
  readonly state: RunState;
  /** Of the attempt that runs, or the last one; 0 = none has begun. */
  readonly attempt: number;
  readonly attempts: number;
  /** Which runs it, or did; '' = none yet. */
  readonly node: string;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly progress: JobProgress | undefined;
  readonly result: JobResult | undefined;
  /** Why it failed, in a line; '' = it has not. */
  readonly reason: string;
}

/** Told in this order. `onEnd` comes once a run, on the node that had its last attempt. */
export interface RunListener {
  onStart(run: RunRecord): void;
  /** An attempt failed, and there will be another. */
  onRetry(run: RunRecord): void;
  onEnd(run: RunRecord): Promise<void>;
}

export interface ScheduleOptions {
  readonly jobs: readonly Job[];
  /** Name of this node. */
  readonly node: string;
  readonly listener: RunListener;
  readonly log: Log;
  /** How long a run has waited before a node takes it that is only a stand-in. */
  readonly standInAfterMs: number;
  /** How often a node looks whether everything is in its place, and asks its jobs what they are able to. */
  readonly renewEveryMs: number;
}

/**
 * When jobs run, and where. Two ways, one contract: a slot has one run in the cluster, a run is tried again as its job
 * says, none overlaps another one of its job, and what a dead node had begun is begun again elsewhere.
 */
export interface Schedule {
  readonly scope: 'cluster' | 'node';
  /** One more; one of a name that there is already changes nothing. */
  add(job: Job): void;
  /** Wants a run now. @throws {Error} when nobody can be asked; the message says why */
  ask(job: string, input: unknown): Promise<RunRecord>;
  /** Those that wait or run, and the last that ended; the newest first. @throws {Error} as `ask` does */
  runs(job: string): Promise<readonly RunRecord[]>;
  /** `undefined` = there is none, or none any more. @throws {Error} as `ask` does */
  run(job: string, id: string): Promise<RunRecord | undefined>;
  /** What this node is able to do, as the job last said. */
  ability(job: string): JobAbility;
  /**
   * Aborts what runs and leaves it to other nodes. Resolves when nothing runs any more, which may be never, or when nobody
   * answers to whom it could be left.
   */
  end(): Promise<void>;
  /** Ends at once, after `end`. */
  endByForce(): Promise<void>;
}

/** An error as the reason of a run: one line, not endless. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 500) ||
  'it does not say why';
