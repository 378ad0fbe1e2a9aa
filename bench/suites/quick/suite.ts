import { renderFirstPage } from '../../report/first-page-text.ts';
import { exchangeCase, SMALL_GET, SMALL_POST, TLS_GET } from '../../shared/exchanges.ts';
import type { Exchange } from '../../shared/exchanges.ts';
import { FIGURES, recordMeasures, recordRatio } from '../../shared/figures.ts';
import { subjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext, CaseRuns } from '../../shared/load-case.ts';
import { findProgram } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import { settingsOf } from '../../shared/settings.ts';
import { summarize } from '../../shared/statistics.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Suite, SuiteContext } from '../../shared/suite.ts';
import { makeCertificate } from '../../shared/tls.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { startOverTls, startPlain } from '../cost/subjects.ts';
import type { CostSubjects } from '../cost/subjects.ts';
import { measureDeadRedis } from '../faults/dead-redis.ts';
import { measureAtLoad } from '../latency/at-load.ts';
import { saturatingPlace } from '../latency/saturation.ts';
import { LIMIT_CASES, PATH } from '../limits/cases.ts';
import { findNginxLua, PEER, startLimited, startNginxLua } from '../limits/subjects.ts';
import { whatToInstall } from './install.ts';

export const suite: Suite = {
  name: 'quick',
  question: 'The first page alone: what does a request cost, how late is it at load, and what breaks when Redis dies?',
  takes: '2 minutes',
  print: (result) => renderFirstPage([result]),
  async run(context) {
    const { record, options } = context;
    const session = saturatingPlace(context);
    record.method({ load: `${session.tool}; at load and without Redis our own open loop` });
    const missing = whatToInstall();
    if (missing !== undefined)
      record.note(`Not all is installed that the page compares with. For the rest: ${missing}`);
    const settings = settingsOf(options, { rounds: 2, seconds: 1, warmUpSeconds: 1 });
    const upstream = await startUpstream(session);
    const place = subjectContext(session, upstream);
    const cases: CaseContext = { session, record, settings, upstream };

    const plain = await startPlain(place, record, options);
    const everybody = subjectsOf(plain);
    const [get] = [await measure(cases, SMALL_GET, everybody), await measure(cases, SMALL_POST, everybody)];
    await stopAll(plain);
    await measureTls(cases, context);
    const hasRedis = findProgram('redis-server') !== undefined;
    if (hasRedis) await measureLimited(cases);
    const saturation = summarize(get.runs.filter(({ subject }) => subject === 'gateway').map(FIGURES.throughput.of));
    await measureAtLoad(cases, context, saturation?.median);
    if (!hasRedis) return;
    const times = options.miniature
      ? { rounds: 1, beforeSeconds: 0.2, deadSeconds: 0.3 }
      : { rounds: 1, beforeSeconds: 1, deadSeconds: 2 };
    await measureDeadRedis({ ...context, session }, place, times);
  },
};

/** Of gateways the one as it is shipped; here nobody pipelines to the upstream. */
const subjectsOf = ({ gateways, peers }: CostSubjects): Subject[] => [
  ...gateways.filter(({ pipelining }) => !pipelining).map(({ subject }) => subject),
  ...peers,
];

async function measure(cases: CaseContext, exchange: Exchange, subjects: readonly Subject[]): Promise<CaseRuns> {
  const seen = await runCase(cases, exchangeCase(exchange, subjects));
  recordMeasures(cases.record, seen, ['cpu-per-request', 'throughput']);
  const [gateway, ...peers] = subjects;
  for (const { name } of peers)
    recordRatio(cases.record, seen, { subject: gateway?.name ?? '', against: name, metric: 'cpu-per-request' });
  return seen;
}

async function measureTls(cases: CaseContext, { options }: SuiteContext): Promise<void> {
  const { session, record, upstream } = cases;
  const certificate = makeCertificate(session.folder);
  if (certificate === undefined) return;
  const subjects = await startOverTls(subjectContext(session, upstream), record, { front: options.front, certificate });
  await measure(cases, TLS_GET, subjectsOf(subjects));
  await stopAll(subjects);
}

/** One hot key: the gateway with its Redis, and nginx with Lua and its own. */
async function measureLimited(cases: CaseContext): Promise<void> {
  const { session, record, upstream } = cases;
  const place = subjectContext(session, upstream);
  const [hot] = LIMIT_CASES;
  if (hot === undefined) return;
  const { title, request, clientBy } = hot;
  const subjects = [await startLimited(place, await startRedis(session), { clientBy })];
  if (findNginxLua() !== undefined) subjects.push(await startNginxLua(place, await startRedis(session), { clientBy }));
  const seen = await runCase(cases, { title, request, path: PATH, subjects });
  recordMeasures(record, seen, ['cpu-per-request', 'scripts-per-request']);
  recordRatio(record, seen, { subject: 'gateway', against: PEER, metric: 'cpu-per-request' });
  await Promise.all(subjects.map(stopSubject));
}

async function stopAll({ gateways, peers }: CostSubjects): Promise<void> {
  await Promise.all([...gateways.map(({ subject }) => subject), ...peers].map(stopSubject));
}
