import { z } from 'zod';

const time = z.iso.datetime();

/** One run of a job, on whichever node. */
export const jobRun = z.object({
  id: z.string(),
  job: z.string(),
  slot: time.describe('When it was due; of a run by hand when it was asked for.'),
  asked: z.enum(['schedule', 'hand']),
  state: z.enum(['waiting', 'running', 'succeeded', 'failed']).describe('waiting: also for the next attempt.'),
  attempt: z.number().describe('Of the attempt that runs, or the last one; 0: none has begun.'),
  attempts: z.number().describe('So many at most.'),
  node: z.string().describe('Which runs it, or did; empty: none yet.'),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  progress: z
    .object({ step: z.string(), doneBytes: z.number().nullable(), totalBytes: z.number().nullable() })
    .nullable()
    .describe('While it runs, where it says how far it is.'),
  summary: z.string().describe('What came of it; empty: it has not succeeded.'),
  details: z.record(z.string(), z.unknown()),
  reason: z.string().describe('Why it, or its last attempt, failed; empty: it has not.'),
});
export type JobRunAnswer = z.infer<typeof jobRun>;

/** GET /admin/jobs */
export const jobsAnswer = z.object({
  mode: z.enum(['on', 'off', 'only']),
  scope: z.enum(['cluster', 'node']).describe('cluster: shared out through Redis; node: this process does them all.'),
  jobs: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      pattern: z.string().describe('Cron, in UTC.'),
      ability: z.enum(['able', 'stand-in', 'unable']).describe('Of this node.'),
      nextAt: time,
      last: z
        .object({ state: z.enum(['succeeded', 'failed']), endedAt: time, node: z.string(), text: z.string() })
        .nullable()
        .describe('The last run that ended, on any node; null: none is known.'),
      lastSuccessAt: time.nullable(),
      failedSlots: z.number().describe('Slots in a row that failed.'),
      failing: z.boolean().describe('Three or more have: the node is degraded.'),
    }),
  ),
});
export type JobsAnswer = z.infer<typeof jobsAnswer>;

/** GET /admin/jobs/{job} */
export const jobHistoryAnswer = z.object({ job: z.string(), runs: z.array(jobRun).describe('The newest first.') });

/** POST /admin/jobs/{job} */
export const jobWish = z.strictObject({
  input: z.record(z.string(), z.unknown()).optional().describe('What the job is to know besides.'),
});
export type JobWish = z.infer<typeof jobWish>;
