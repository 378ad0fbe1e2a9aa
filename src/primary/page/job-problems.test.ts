import { expect, test } from 'vitest';
import type { JobsAnswer } from '../../shared/admin/jobs.ts';
import { jobProblems } from './job-problems.ts';
import type { JobFacts } from './job-problems.ts';

const NOW = '2026-11-27T12:00:00.000Z';
const job = (part: Partial<JobsAnswer['jobs'][number]>): JobsAnswer['jobs'][number] => ({
  name: 'redis-backup',
  description: '',
  pattern: '0 2 * * *',
  ability: 'able',
  nextAt: NOW,
  last: null,
  lastSuccessAt: null,
  failedSlots: 0,
  failing: false,
  ...part,
});
const facts = (part: Partial<Omit<JobFacts, 'jobs'>> & { readonly jobs?: JobsAnswer['jobs'] }): JobFacts => ({
  node: 'a',
  nodes: 1,
  backups: [],
  warnings: [],
  nowMs: Date.parse(NOW),
  ...part,
  jobs: { mode: 'on', scope: 'cluster', jobs: part.jobs ?? [] },
});

test('a job that is well is no problem, nor one that the node calls itself degraded for', () => {
  const last = { state: 'failed', endedAt: NOW, node: 'b', text: 'no room' } as const;
  expect(jobProblems(facts({ jobs: [job({}), job({ last, failing: true })] }))).toEqual([]);
  expect(jobProblems(facts({ jobs: [job({ last })] }))).toEqual([
    {
      text: 'the last run of job redis-backup failed: no room',
      severity: 'warn',
      node: 'a',
      since: NOW,
      section: 'Failing Jobs',
      command: 'gateway jobs list',
    },
  ]);
});

test('a job that nobody can do is told of before its slot is missed', () => {
  const warnings = ['redis-backup: this node makes no backups: BACKUP_DIR cannot be written: EACCES'];
  const jobs = [job({ ability: 'unable' })];
  const [problem] = jobProblems(facts({ jobs, warnings }));
  expect(problem).toMatchObject({
    text: 'job redis-backup is done by nobody: this node makes no backups: BACKUP_DIR cannot be written: EACCES',
    section: 'Failing Jobs',
    since: null,
  });
  expect(jobProblems(facts({ jobs, warnings, nodes: 2 }))).toEqual([]);
});

test('a backup is too old by its kind: a weekly one is not after a day', () => {
  const made = (kind: 'redis' | 'full', hours: number) => ({
    kind,
    madeAt: new Date(Date.parse(NOW) - hours * 3_600_000).toISOString(),
    verifiedAt: null,
    unverified: '',
    bytes: 1,
  });
  const told = (kind: 'redis' | 'full', hours: number) =>
    jobProblems(facts({ backups: [made(kind, hours)] })).map(({ text }) => text);
  expect(told('redis', 25)).toEqual([]);
  expect(told('redis', 27)).toEqual(['the newest redis backup is too old']);
  expect(told('full', 150)).toEqual([]);
  expect(told('full', 171)).toEqual(['the newest full backup is too old']);
});
