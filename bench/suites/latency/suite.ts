import { ask, expectBody } from '../../shared/ask.ts';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Suite } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { recordCharts, recordLevel } from './findings.ts';
import type { Level } from './findings.ts';
import { chooseLevels, openLoopCeiling } from './levels.ts';
import { findSaturation, saturatingPlace } from './saturation.ts';
import { PATH, REQUEST, startSubjects } from './subjects.ts';
import { MOST_LATE } from './trust.ts';

const SHARES = [0.3, 0.6, 0.9] as const;

export const suite: Suite = {
  name: 'latency',
  question: 'How long do requests take at 30, 60 and 90 % of saturation, with limits on and off?',
  takes: '7 minutes',
  async run(context) {
    const { record, options } = context;
    const settings = settingsOf(options, { rounds: 3 });
    const session = saturatingPlace(context);
    const upstream = await startUpstream(session);
    const { gateways, others } = await startSubjects(context, upstream);
    const subjects = [...gateways, ...others];
    const cases: CaseContext = { session, record, settings, upstream };

    const saturation = options.rate ?? (await findSaturation(cases, gateways, options));
    const source =
      options.rate === undefined ? 'the slower of the two gateways in a closed loop' : 'as asked for with --rate';
    record.note(
      `100 % is ${Math.round(saturation)} requests a second: ${source}. All subjects get the same absolute rates, whether ` +
        'or not answers come back; a latency counts from when its request was due. A percentile is told only where the ' +
        `generator itself was late by at most ${MOST_LATE * 100} % of it. "direct" is no proxy: what load and upstream add.`,
    );
    const ceiling = await openLoopCeiling(cases, options);
    const { levels: chosen, beyond } = chooseLevels({ saturation, ceiling, shares: SHARES });
    for (const text of beyond) record.note(text);
    const levels: Level[] = [];
    for (const { share, title, ratePerSecond } of chosen) {
      const level = {
        share,
        seen: await runCase(cases, { title, request: REQUEST, path: PATH, subjects, ratePerSecond, verify }),
      };
      levels.push(level);
      recordLevel(record, level);
    }
    recordCharts(record, levels);
    const closed = options.rate === undefined ? `; saturation: ${session.tool}, closed loop` : '';
    record.method({ load: `own open loop${closed}`, loadCeilingPerSecond: null });
    await Promise.all(subjects.map(stopSubject));
  },
};

/** @throws Error that says what differs from the upstream's answer */
async function verify({ name, url }: Subject): Promise<void> {
  try {
    expectBody(await ask(url + PATH, { method: 'GET' }), SMALL_BODY);
  } catch (error) {
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
}
