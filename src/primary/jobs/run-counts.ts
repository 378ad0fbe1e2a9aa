/** `retried`: an attempt failed, and there is another. */
export type RunOutcome = 'succeeded' | 'failed' | 'retried';

const OFTEN_MS = 60_000;

/** What came of the runs of this node, since it started. */
export class RunCounts {
  readonly #counts = new Map<string, Record<RunOutcome, number>>();
  readonly #toldMs = new Map<string, number>();

  add(job: string, outcome: RunOutcome): void {
    this.of(job)[outcome]++;
  }

  of(job: string): Record<RunOutcome, number> {
    let found = this.#counts.get(job);
    if (found === undefined) this.#counts.set(job, (found = { succeeded: 0, failed: 0, retried: 0 }));
    return found;
  }

  /** Whether it is time to tell people of a run that went as always: once a minute is enough. */
  rarely(job: string, nowMs: number): boolean {
    if (nowMs - (this.#toldMs.get(job) ?? 0) < OFTEN_MS) return false;
    this.#toldMs.set(job, nowMs);
    return true;
  }
}
