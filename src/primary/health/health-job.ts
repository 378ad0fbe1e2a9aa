import type { Job, JobResult, JobRun } from '../jobs/job.ts';
import { patternOf } from './slots.ts';

export interface HealthJobParts {
  /** A reload may change it; 0: no upstream is probed any more. */
  readonly slotMs: () => number;
  readonly sweep: (run: JobRun) => Promise<JobResult>;
}

/**
 * The sweep of all targets as a job: once a slot for the whole cluster. A slot that failed is not tried again; the next
 * one comes soon enough.
 */
export const healthJob = ({ slotMs, sweep }: HealthJobParts): Job => ({
  name: 'health-probes',
  description: 'Probes the targets of upstreams, for all nodes',
  get pattern() {
    return patternOf(slotMs() || 60_000);
  },
  attempts: 1,
  backoffMs: 1_000,
  ability: () => Promise.resolve(slotMs() > 0 ? 'able' : 'unable'),
  run: sweep,
});
