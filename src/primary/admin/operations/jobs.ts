import { jobHistoryAnswer, jobRun, jobsAnswer, jobWish } from '../../../shared/admin/jobs.ts';
import type { JobRunAnswer, JobsAnswer, JobWish } from '../../../shared/admin/jobs.ts';
import type { JobsMode } from '../../../shared/config/types.ts';
import type { RunRecord } from '../../jobs/schedule.ts';
import type { Jobs, JobView } from '../../jobs/start-jobs.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer, WholeAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

const JOB = { in: 'path', description: 'Name of the job.' } as const;
const UNKNOWN = 'There is no such job on this node; `jobs` lists those there are.';
const AWAY = 'The Redis through which the nodes share the jobs out cannot be asked.';

const at = (ms: number): string => new Date(ms).toISOString();
const atOrNull = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : at(ms));

export function runAnswer(run: RunRecord): JobRunAnswer {
  const { id, job, asked, state, attempt, attempts, node, progress, result, reason } = run;
  return {
    id,
    job,
    slot: at(run.slotMs),
    asked,
    state,
    attempt,
    attempts,
    node,
    startedAt: atOrNull(run.startedMs),
    endedAt: atOrNull(run.endedMs),
    progress:
      progress === undefined
        ? null
        : { step: progress.step, doneBytes: progress.doneBytes ?? null, totalBytes: progress.totalBytes ?? null },
    summary: result?.summary ?? '',
    details: result?.details ?? {},
    reason,
  };
}

function viewAnswer({
  name,
  description,
  pattern,
  ability,
  nextMs,
  standing,
  failing,
}: JobView): JobsAnswer['jobs'][0] {
  return {
    name,
    description,
    pattern,
    ability,
    nextAt: at(nextMs),
    last:
      standing === undefined
        ? null
        : {
            state: standing.lastState,
            endedAt: at(standing.lastEndMs),
            node: standing.node,
            text: standing.lastText,
          },
    lastSuccessAt: atOrNull(standing?.lastSuccessMs),
    failedSlots: standing?.failedSlots ?? 0,
    failing,
  };
}

/** What is done once in a while, by one of the nodes. */
export function jobOperations(
  jobs: Pick<Jobs, 'scope' | 'list' | 'has' | 'run' | 'follow' | 'history'>,
  mode: JobsMode,
): readonly AnyOperation[] {
  const unknown = (): WholeAnswer =>
    problem(404, 'unknown_job', { detail: UNKNOWN, jobs: jobs.list().map(({ name }) => name) });
  const about = async (name: string, answer: () => Promise<AdminAnswer>): Promise<AdminAnswer> => {
    if (!jobs.has(name)) return unknown();
    try {
      return await answer();
    } catch (error) {
      return problem(503, 'jobs_unavailable', { detail: error instanceof Error ? error.message : String(error) });
    }
  };
  return [
    operation({
      method: 'GET',
      path: '/admin/jobs',
      id: 'listJobs',
      summary: 'Jobs: when each runs, and what came of it.',
      answer: jobsAnswer,
      handle: () => json(200, { mode, scope: jobs.scope, jobs: jobs.list().map(viewAnswer) }),
    }),
    operation({
      method: 'GET',
      path: '/admin/jobs/{job}',
      id: 'jobHistory',
      summary: 'Runs of a job that wait or run, and the last that ended, on whichever node.',
      parameters: { job: JOB },
      answer: jobHistoryAnswer,
      problems: { 404: UNKNOWN, 503: AWAY },
      handle: ({ params: { job = '' } }) =>
        about(job, async () => json(200, { job, runs: (await jobs.history(job)).map(runAnswer) })),
    }),
    operation<JobWish>({
      method: 'POST',
      path: '/admin/jobs/{job}',
      id: 'runJob',
      summary: 'Runs a job now, on whichever node can; what becomes of it is under its id.',
      parameters: { job: JOB },
      body: jobWish,
      answer: jobRun,
      status: 202,
      problems: { 404: UNKNOWN, 503: AWAY },
      handle: ({ params: { job = '' }, body }) =>
        about(job, async () => json(202, runAnswer(await jobs.run(job, body.input)))),
    }),
    operation({
      method: 'GET',
      path: '/admin/jobs/{job}/runs/{run}',
      id: 'getJobRun',
      summary: 'A run of a job, as it is now.',
      parameters: { job: JOB, run: { in: 'path', description: 'Its id.' } },
      answer: jobRun,
      problems: { 404: `${UNKNOWN} Or it has no such run, or none any more.`, 503: AWAY },
      handle: ({ params: { job = '', run = '' } }) =>
        about(job, async () => {
          const found = await jobs.follow(job, run);
          if (found !== undefined) return json(200, runAnswer(found));
          return problem(404, 'unknown_run', { detail: 'The job has no such run, or none any more.' });
        }),
    }),
  ];
}
