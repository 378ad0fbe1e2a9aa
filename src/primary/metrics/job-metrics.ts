import type { Jobs } from '../jobs/start-jobs.ts';
import { counter, gauge } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';

/** Work that one of the nodes does once in a while. What is not about this node is the same on each. */
export function jobMetrics({ list, counts }: Pick<Jobs, 'list' | 'counts'>): MetricDefinition[] {
  const each = (value: (view: ReturnType<typeof list>[0]) => number | undefined) => (): Sample[] =>
    list().flatMap((view) => {
      const known = value(view);
      return known === undefined ? [] : [{ labels: { job: view.name }, value: known }];
    });
  return [
    counter('jobs_runs_total', 'Attempts of jobs on this node; retried: failed, and another follows.', () =>
      list().flatMap(({ name }) =>
        Object.entries(counts.of(name)).map(([outcome, value]) => ({ labels: { job: name, outcome }, value })),
      ),
    ),
    gauge(
      'jobs_last_success_timestamp_seconds',
      'When the job last succeeded, on any node; absent: not known.',
      each(({ standing }) => (standing?.lastSuccessMs ?? undefined) && (standing?.lastSuccessMs ?? 0) / 1000),
    ),
    gauge(
      'jobs_next_run_timestamp_seconds',
      'The next slot of the job.',
      each(({ nextMs }) => nextMs / 1000),
    ),
    gauge(
      'jobs_failed_slots',
      'Slots of the job in a row that failed, all attempts of each; 3 and more are to alert on.',
      each(({ standing }) => standing?.failedSlots ?? 0),
    ),
  ];
}
