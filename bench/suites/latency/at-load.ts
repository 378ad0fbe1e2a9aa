import { subjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { findProgram } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { startLimited } from '../limits/subjects.ts';
import { openLoopCeiling, chooseLevels } from './levels.ts';
import { recordLevel } from './findings.ts';
import { LIMITED, PATH, PEER, REQUEST } from './subjects.ts';

/** One level alone, at 60 % of what the gateway reached in a closed loop or as much as the generator can vouch for. */
export async function measureAtLoad(
  cases: CaseContext,
  { options }: SuiteContext,
  saturation: number | undefined,
): Promise<void> {
  if (saturation === undefined) return;
  const { session, record, upstream, settings } = cases;
  const own = { ...cases, settings: { ...settings, seconds: options.miniature ? settings.seconds : 2 } };
  const place = subjectContext(session, upstream);
  const gateway =
    findProgram('redis-server') === undefined
      ? undefined
      : { ...(await startLimited(place, await startRedis(session), { clientBy: 'ip' })), name: LIMITED };
  const haproxy = findProgram('haproxy');
  const subjects: Subject[] = [
    ...(gateway === undefined ? [] : [gateway]),
    ...(haproxy === undefined ? [] : [subjectOf(PEER, await startHaproxy(haproxy, place))]),
  ];
  const ceiling = await openLoopCeiling(own, options);
  const { levels, beyond } = chooseLevels({ saturation, ceiling, shares: [0.6] });
  for (const text of beyond) record.note(text);
  for (const { share, title, ratePerSecond } of levels) {
    const seen = await runCase(own, { title, request: REQUEST, path: PATH, subjects, ratePerSecond });
    recordLevel(record, { share, seen });
  }
  await Promise.all(subjects.map(stopSubject));
}
