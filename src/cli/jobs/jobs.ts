import { jobHistoryAnswer, jobRun, jobsAnswer } from '../../shared/admin/jobs.ts';
import type { JobRunAnswer, JobsAnswer } from '../../shared/admin/jobs.ts';
import { EXIT } from '../exit-codes.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line, Span } from '../output/text.ts';
import { segment } from '../admin/client.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';
import { follow } from './follow.ts';

const JOB_COLUMNS = [{ title: 'JOB' }, { title: 'WHEN (UTC)' }, { title: 'NEXT' }, { title: 'LAST' }, { title: '' }];
const RUN_COLUMNS = [
  { title: 'SLOT' },
  { title: 'JOB' },
  { title: 'ASKED BY' },
  { title: 'STATE' },
  { title: 'ATTEMPT', right: true },
  { title: 'NODE' },
  { title: '' },
];

const STYLES = { succeeded: 'good', failed: 'bad', running: 'strong', waiting: 'plain' } as const;

/** To the second, as people write it. */
const shortTime = (iso: string): string => iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z');

function jobRow({
  name,
  pattern,
  nextAt,
  last,
  failing,
  ability,
  description,
}: JobsAnswer['jobs'][0]): (string | Span)[] {
  const text = last === null ? description : last.text;
  const lastAt = last === null ? span('never', 'faint') : span(shortTime(last.endedAt), STYLES[last.state]);
  const here = ability === 'able' ? '' : ` (${ability} here)`;
  return [name, pattern, shortTime(nextAt), lastAt, span(`${text}${here}`, failing ? 'bad' : 'plain')];
}

function jobLines({ mode, scope, jobs }: JobsAnswer): readonly Line[] {
  if (mode === 'off') return [[span('Jobs are off on this node (JOBS=off).')]];
  if (jobs.length === 0) return [[span('There are no jobs on this node.')]];
  const alone = 'This process does them all: it shares no Redis.';
  return [...table(JOB_COLUMNS, jobs.map(jobRow)), ...(scope === 'node' ? [[span(alone, 'faint')]] : [])];
}

const runRow = ({ slot, job, asked, state, attempt, attempts, node, summary, reason, progress }: JobRunAnswer) => [
  shortTime(slot),
  job,
  asked,
  span(state, STYLES[state]),
  `${attempt}/${attempts}`,
  node,
  summary || reason || (progress?.step ?? ''),
];

/** `gateway jobs list` */
export async function listJobs(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/jobs', answer: jobsAnswer });
  show(context, json, jobLines(value));
  return EXIT.ok;
}

/** `gateway jobs history [NAME]` */
export async function jobHistory(context: AskContext, name: string | undefined): Promise<number> {
  const { client } = context;
  const names =
    name === undefined
      ? (await client.call({ path: '/admin/jobs', answer: jobsAnswer })).value.jobs.map((job) => job.name)
      : [name];
  const answers = await Promise.all(
    names.map((job) => client.call({ path: `/admin/jobs/${segment(job)}`, answer: jobHistoryAnswer })),
  );
  const runs = answers.flatMap(({ value }) => value.runs).sort((a, b) => (a.slot < b.slot ? 1 : -1));
  const raw = name === undefined ? answers.map(({ json }) => json) : answers[0]?.json;
  show(context, raw, runs.length === 0 ? [[span('No runs are kept.')]] : table(RUN_COLUMNS, runs.map(runRow)));
  return EXIT.ok;
}

/** `gateway jobs run NAME`: follows the run, wherever it is. Ends with 1 when it fails. */
export async function runJob(context: AskContext, name: string, input?: Record<string, unknown>): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'POST',
    path: `/admin/jobs/${segment(name)}`,
    body: input === undefined ? {} : { input },
    answer: jobRun,
  });
  return follow(context, { value, json });
}
