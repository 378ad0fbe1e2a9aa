import { setTimeout as delay } from 'node:timers/promises';
import { treeCpuTime } from '../../shared/cpu-time.ts';
import { rounded } from '../../shared/figures.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { readWork, startRedis } from '../../shared/redis.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Settings } from '../../shared/settings.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Suite, SuiteContext } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { PATH } from '../limits/cases.ts';
import { PATIENT, startCluster } from './cluster.ts';
import { doublings, inWords, upTo } from './counts.ts';
import { auditNodes } from './exactness.ts';
import { recordPredictions } from './predictions.ts';
import { measurePrimaries } from './primaries.ts';
import { measureScale } from './scale-case.ts';

const MOST_WORKERS = 4;
const MOST_NODES = 8;
const REQUEST = { name: 'scale', method: 'GET', requestBody: undefined } as const;

export const suite: Suite = {
  name: 'scale',
  question: 'More threads, more nodes on one Redis: what does a request cost, and are limits still exact?',
  takes: '9 minutes',
  async run(context) {
    const { session, record, options } = context;
    const settings = settingsOf(options);
    const upstream = await startUpstream(session);
    const cases: CaseContext = { session, record, settings, upstream };
    const { cores } = session.machine;
    const workers = options.workers ?? (options.miniature ? 2 : Math.min(cores, MOST_WORKERS));
    const nodes = doublings(Math.min(options.nodes ?? (options.miniature ? 2 : MOST_NODES), MOST_NODES));
    note(context, nodes.at(-1) ?? 1);
    record.method({ pinned: { subject: null, load: session.cores.load ?? null } });

    await measureWorkers(cases, upTo(workers));
    await measureNodes(cases, nodes);
    await measurePrimaries(cases);
    await auditNodes(context, { upstream, settings: overAll(settings, nodes), counts: nodes });
  },
};

function note({ record, session }: SuiteContext, most: number): void {
  const { cores } = session.machine;
  record.note(
    `This machine has ${cores} cores for gateways, load, upstream and Redis together: from ${cores} busy threads on the ` +
      'machine is the limit. Then throughput says nothing about scaling and its ratios are refused; CPU per request, Redis ' +
      'commands per request and exactness still hold.',
  );
  record.note(
    `All ${inWords(most, 'node')} live all the time, and the same number of connections is dealt out over the first one, ` +
      'two … of them. What Redis does for those at rest is counted with the others (see redis-commands-at-rest).',
  );
  record.note(
    'No gateway of this suite is pinned to a core, and decisions may take 1 s instead of 10 ms: with more threads than ' +
      'cores some are late, and to go on alone, which is right then, is not what is measured.',
  );
}

/** Threads of one gateway; each has a Redis of its own. */
async function measureWorkers(cases: CaseContext, counts: readonly number[]): Promise<void> {
  const { session, upstream } = cases;
  const place = { ...subjectContext(session, upstream), core: undefined };
  const start = async (workers: number): Promise<Subject> => {
    const redis = await startRedis(session);
    const gateway = await startGateway(place, { redis, workers, env: PATIENT });
    return subjectOf(inWords(workers, 'worker'), gateway, { redis, threads: workers });
  };
  const subjects = await Promise.all(counts.map(start));
  const title = 'request threads of one gateway';
  await measureScale(cases, { title, request: REQUEST, path: PATH, of: 'request threads', counts, subjects });
  await Promise.all(subjects.map(stopSubject));
}

async function measureNodes(cases: CaseContext, counts: readonly number[]): Promise<void> {
  const { session, upstream, settings } = cases;
  const cluster = await startCluster(session, { counts, upstream, env: PATIENT });
  const { subjects } = cluster;
  const title = 'gateways on one Redis';
  const own: CaseContext = { ...cases, settings: overAll(settings, counts) };
  const rest = await measureRest(own, title, subjects.at(-1));
  const seen = await measureScale(own, { title, request: REQUEST, path: PATH, of: 'nodes', counts, subjects });
  const redis = subjects.at(-1)?.redis;
  if (redis !== undefined && rest !== undefined) {
    const nodes = counts.at(-1) ?? 1;
    await recordPredictions(own, seen, { counts, redis, rest: { redisMsPerSecond: rest, nodes } });
  }
  await cluster.stop();
}

/** At least one connection to every node. */
const overAll = (settings: Settings, counts: readonly number[]): Settings => ({
  ...settings,
  connections: Math.max(settings.connections, ...counts),
});

/** What all of them do without any request, a second. @returns what Redis has to do meanwhile, ms a second */
async function measureRest(
  { record, settings }: CaseContext,
  title: string,
  all: Subject | undefined,
): Promise<number | undefined> {
  if (all?.redis === undefined) return undefined;
  const { name, processes, redis } = all;
  const spent = (): number =>
    processes.map(({ pid }) => treeCpuTime(pid)).reduce((sum, { userUs, systemUs }) => sum + userUs + systemUs, 0);
  const seconds = Math.min(settings.seconds, 5);
  record.progress(`${title}: ${name} at rest`);
  const before = { cpuUs: spent(), redis: await readWork(redis) };
  await delay(seconds * 1000);
  const after = { cpuUs: spent(), redis: await readWork(redis) };
  const each = (metric: string, unit: string, perSecond: number): void =>
    record.measure({ case: title, subject: name, metric, unit, better: 'lower', samples: [rounded(perSecond)] });
  each('cpu-at-rest', 'ms/s', (after.cpuUs - before.cpuUs) / 1000 / seconds);
  const redisMsPerSecond = (after.redis.cpuUs - before.redis.cpuUs) / 1000 / seconds;
  each('redis-cpu-at-rest', 'ms/s', redisMsPerSecond);
  each('redis-commands-at-rest', '1/s', (after.redis.commands - before.redis.commands) / seconds);
  return redisMsPerSecond;
}
