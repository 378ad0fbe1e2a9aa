/** One run of a job, as the job sees it. */
export interface JobRun {
  /**
   * The moment it was due, in ms of the wall clock; for a run by hand, when it was asked for. A slot that is run again
   * (a node died, an attempt failed) has the same one: what the run makes is named by it, so that nothing is made twice.
   */
  readonly slotMs: number;
  readonly asked: 'schedule' | 'hand';
  /** 1 = the first. */
  readonly attempt: number;
  /** What whoever asked by hand wants besides; `undefined` where the schedule asks. */
  readonly input: unknown;
  /** Aborted when the process ends, or when another node has taken the run over. */
  readonly signal: AbortSignal;
  /** Says which step has begun, and how far it is. */
  readonly report: (progress: JobProgress) => void;
}

export interface JobProgress {
  /** One word or two, such as `snapshot`, `read back`. */
  readonly step: string;
  readonly doneBytes?: number;
  /** `undefined` = not known. */
  readonly totalBytes?: number | undefined;
}

/** What came of a run that did not fail. */
export interface JobResult {
  /** A line for people. */
  readonly summary: string;
  /** For programs; plain data, a few hundred bytes. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** How well this node can do a job: `stand-in` takes a run only where nobody `able` has within ten minutes. */
export type JobAbility = 'able' | 'stand-in' | 'unable';

/** Work that is done once in a slot of time, whatever number of nodes there is. Its runs must stand being repeated. */
export interface Job {
  /** Lower-case words with hyphens; fixed, since nodes of other versions share it. */
  readonly name: string;
  /** A line for people. */
  readonly description: string;
  /** Cron of five fields, or six with seconds first; in UTC. */
  readonly pattern: string;
  /** Attempts a slot, the first included; between them a delay that doubles from `backoffMs` on. */
  readonly attempts: number;
  readonly backoffMs: number;
  /** Asked before a run is taken, and once a minute. */
  ability(): Promise<JobAbility>;
  /** @throws {Error} when it failed; the message says why, in a line */
  run(run: JobRun): Promise<JobResult>;
}
