import type { Job, JobResult, JobRun } from '../jobs/job.ts';
import { patternOf } from './slots.ts';

export interface HealthJobParts {
  /** A reload may change it; 0: no upstream is probed any more. */
  readonly slotMs: () => number;
  /** What is found can be shared, or there is nobody to share it with. */
  readonly canShare: () => boolean;
  readonly sweep: (run: JobRun) => Promise<JobResult>;
}

/**
 * The sweep of all targets as a job: once a slot for the whole cluster. A slot that failed is not tried again; the next
 * one comes soon enough.
 */
export const healthJob = ({ slotMs, canShare, sweep }: HealthJobParts): Job => ({
  name: 'health-probes',
  description: 'Probes the targets of upstreams, for all nodes',
  get pattern() {
    return patternOf(slotMs() || 60_000);
  },
  attempts: 1,
  backoffMs: 1_000,
  ability: () => Promise.resolve(slotMs() > 0 && canShare() ? 'able' : 'unable'),
  run: sweep,
});
