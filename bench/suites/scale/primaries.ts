import { rounded } from '../../shared/figures.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import { runLoad } from '../../shared/load/run.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { measureRun } from '../../shared/measured-run.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import { readWork } from '../../shared/redis.ts';
import type { RedisWork } from '../../shared/redis.ts';
import { alternate } from '../../shared/rounds.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import { CLIENT_HEADER, LIMIT_CASES, PATH } from '../limits/cases.ts';
import { PATIENT } from './cluster.ts';
import { startPrimaries } from './redis-cluster.ts';
import type { Primaries } from './redis-cluster.ts';

const COUNTS = [1, 3, 6] as const;
const TITLE = 'many clients, their buckets over so many primaries of Redis';

interface Sized {
  readonly subject: Subject;
  readonly primaries: Primaries;
}

interface ClusterRun {
  readonly run: MeasuredRun;
  /** CPU and scripts of each primary meanwhile. */
  readonly work: readonly RedisWork[];
}

interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly of: (seen: ClusterRun) => number;
}

const sum = (work: readonly RedisWork[], of: (one: RedisWork) => number): number =>
  work.reduce((total, one) => total + of(one), 0);
const perRequest =
  (of: (one: RedisWork) => number) =>
  ({ run, work }: ClusterRun): number =>
    sum(work, of) / Math.max(run.load.requests, 1);

const FIGURES: readonly Figure[] = [
  { metric: 'cpu-gateway', unit: 'µs', of: ({ run }) => run.totalUs },
  { metric: 'cpu-redis', unit: 'µs', of: perRequest(({ cpuUs }) => cpuUs) },
  { metric: 'scripts-per-request', unit: '', of: perRequest(({ scripts }) => scripts) },
  // The one that is full first: of how much a cluster takes from a Redis.
  {
    metric: 'cpu-dearest-primary',
    unit: 'µs',
    of: ({ run, work }) => Math.max(...work.map(({ cpuUs }) => cpuUs)) / Math.max(run.load.requests, 1),
  },
];

/** One gateway and 10,000 clients on one Redis, and on clusters of three and six primaries. */
export async function measurePrimaries(cases: CaseContext): Promise<void> {
  const { session, record, upstream, settings } = cases;
  const request = LIMIT_CASES.find(({ clientBy }) => clientBy === 'header')?.request;
  if (request === undefined) return;
  const place = { ...subjectContext(session, upstream), core: undefined };
  const subjects: Sized[] = [];
  for (const count of COUNTS) {
    const primaries = await startPrimaries(session, count);
    const env = { ...PATIENT, RATE_LIMIT_KEY: `header-plain:${CLIENT_HEADER}`, REDIS_MODE: primaries.mode };
    const gateway = await startGateway(place, { redis: primaries, env });
    subjects.push({ subject: subjectOf(count === 1 ? '1 Redis' : `${count} primaries`, gateway), primaries });
  }
  const { seconds, connections, rounds, warmUpSeconds } = settings;
  const planFor = ({ subject }: Sized) => ({ request, url: subject.url + PATH, seconds, connections });
  const works = ({ primaries }: Sized): Promise<RedisWork[]> => Promise.all(primaries.nodes.map(readWork));
  const seen = await alternate({
    rounds,
    subjects,
    warmUp: async (one) => {
      if (warmUpSeconds > 0) await runLoad(session, { ...planFor(one), seconds: warmUpSeconds });
    },
    run: async (one, round): Promise<ClusterRun> => {
      const before = await works(one);
      const run = await measureRun(session, { subject: one.subject, round, upstream, plan: planFor(one) });
      const work = (await works(one)).map((after, i) => difference(after, before[i] ?? after));
      record.progress(
        `${TITLE}: ${one.subject.name}, round ${round} of ${rounds}: ${Math.round(run.requestsPerSecond)} req/s`,
      );
      return { run, work };
    },
  });
  for (const { subject } of subjects) {
    const own = seen.filter(({ subject: one, value }) => one.subject === subject && value.run.problems.length === 0);
    if (own.length === 0) {
      record.note(`Not used: ${TITLE}, ${subject.name}: no round without errors.`);
      continue;
    }
    for (const { metric, unit, of } of FIGURES) {
      const samples = own.map(({ value }) => rounded(of(value)));
      record.measure({ case: TITLE, subject: subject.name, metric, unit, better: 'lower', samples });
    }
  }
  record.note(
    `${TITLE}: a script may touch one hash slot only, so in a cluster each client's bucket has a script of its own. All ` +
      'primaries together then need more CPU than one Redis for the same requests; what a cluster takes off is the dearest ' +
      'primary, the one that is full first.',
  );
  await Promise.all(subjects.map(({ subject }) => stopSubject(subject)));
  await Promise.all(subjects.map(({ primaries }) => primaries.stop()));
}

const difference = (after: RedisWork, before: RedisWork): RedisWork => ({
  cpuUs: after.cpuUs - before.cpuUs,
  scripts: after.scripts - before.scripts,
  commands: after.commands - before.commands,
});
