import { ask, expectBody } from '../../shared/ask.ts';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { subjectContext } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Suite } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { auditLimits } from './audit.ts';
import { CLIENT_HEADER, hammer, LIMIT_CASES, PATH, REFUSAL_TARGET } from './cases.ts';
import type { LimitCase } from './cases.ts';
import { measureLone } from './lone.ts';
import {
  findNginxLua,
  INSTALL_PEER,
  PEER,
  startLeased,
  startLimited,
  startNginxLua,
  startUnlimited,
} from './subjects.ts';
import type { LimitPlan } from './subjects.ts';

const FIGURES = [
  'cpu-per-request',
  'cpu-redis',
  'scripts-per-request',
  'commands-per-request',
  'throughput',
  'p50',
  'p99',
] as const;

export const suite: Suite = {
  name: 'limits',
  question:
    'What does a limit shared through Redis cost, Redis included, how much later is a request, and is it exact?',
  takes: '8 minutes',
  async run(context) {
    const { session, record, options } = context;
    const upstream = await startUpstream(session);
    const place = subjectContext(session, upstream);
    const cases: CaseContext = { session, record, upstream, settings: settingsOf(options) };
    const nginx = findNginxLua();
    if (nginx === undefined) record.note(`nginx with Lua is not installed and left out: ${INSTALL_PEER}.`);
    else record.tool('nginx', versionOf(nginx));
    const redis = findProgram('redis-server');
    if (redis !== undefined) record.tool('redis-server', versionOf(redis));
    record.note('CPU per request is that of the proxy and its Redis. The goal for scripts per request is 0.1 at most.');

    for (const limitCase of LIMIT_CASES) await measureCase(cases, place, limitCase);
    await measureRefusals(cases, place);
    await auditLimits(context, place);
    await measureLone(context, place);
  },
};

/** Nothing is refused. With the hot key also what limits cost at all, and what a lease saves. */
async function measureCase(cases: CaseContext, place: SubjectContext, limitCase: LimitCase): Promise<void> {
  const { session, record } = cases;
  const { title, request, clientBy, target } = limitCase;
  const gateway = await startLimited(place, await startRedis(session), { clientBy });
  const off = await startUnlimited(place, await startRedis(session));
  const others = clientBy === 'ip' ? [await startLeased(place, await startRedis(session))] : [];
  const subjects = [off, gateway, ...others, ...(await startPeer(cases, place, { clientBy }))];
  const verify = (subject: Subject): Promise<void> => expectGranted(subject, subject !== off);
  const seen = await runCase(cases, { title, request, path: PATH, subjects, verify });
  recordMeasures(record, seen, FIGURES);
  recordRatio(record, seen, { subject: gateway.name, against: PEER, metric: 'cpu-per-request', target });
  recordRatio(record, seen, { subject: gateway.name, against: off.name, metric: 'cpu-per-request' });
  for (const { name } of others) {
    recordRatio(record, seen, { subject: name, against: gateway.name, metric: 'cpu-per-request' });
  }
  await Promise.all(subjects.map(stopSubject));
}

/** One client far beyond its limit: what a refusal costs. */
async function measureRefusals(cases: CaseContext, place: SubjectContext): Promise<void> {
  const plan: LimitPlan = { clientBy: 'header', capacity: 1, refillPerSecond: 1 };
  const gateway = await startLimited(place, await startRedis(cases.session), plan);
  const subjects = [gateway, ...(await startPeer(cases, place, plan))];
  const request = hammer('all-refused', 'client-1');
  const loadCase = { title: 'one key, (nearly) all refused', request, path: PATH, subjects, verify: expectRefused };
  const seen = await runCase(cases, loadCase);
  recordMeasures(cases.record, seen, FIGURES);
  const pair = { subject: gateway.name, against: PEER } as const;
  recordRatio(cases.record, seen, { ...pair, metric: 'cpu-per-request', target: REFUSAL_TARGET });
  await Promise.all(subjects.map(stopSubject));
}

async function startPeer({ session }: CaseContext, place: SubjectContext, plan: LimitPlan): Promise<Subject[]> {
  return findNginxLua() === undefined ? [] : [await startNginxLua(place, await startRedis(session), plan)];
}

const askAs = (client: string, { url }: Subject): ReturnType<typeof ask> =>
  ask(url + PATH, { method: 'GET', headers: { [CLIENT_HEADER]: client } });

/** @throws Error that says what differs: status, body, or whether the limit was at work */
async function expectGranted(subject: Subject, limited: boolean): Promise<void> {
  try {
    const answer = await askAs('client-1', subject);
    expectBody(answer, SMALL_BODY);
    if ((answer.headers['x-ratelimit-remaining'] !== undefined) !== limited) {
      throw new Error(limited ? 'an answer that was not limited' : 'an answer that was limited');
    }
  } catch (error) {
    throw new Error(`${subject.name}: ${String(error)}`, { cause: error });
  }
}

/** The bucket of one is empty after the first. @throws Error when nothing is refused */
async function expectRefused(subject: Subject): Promise<void> {
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await askAs('client-1', subject)).status);
  if (!statuses.includes(429)) throw new Error(`${subject.name} refuses nothing: ${statuses.join(', ')}`);
}
