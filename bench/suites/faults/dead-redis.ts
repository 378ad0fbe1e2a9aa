import { setTimeout as delay } from 'node:timers/promises';
import { rounded } from '../../shared/figures.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import type { LoadPlan, TimeSlice } from '../../shared/load/plan.ts';
import { startLoad } from '../../shared/load/run.ts';
import { startRedis } from '../../shared/redis.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { PATH } from '../limits/cases.ts';
import { findNginxLua, startLimited, startNginxLua } from '../limits/subjects.ts';

export const DEAD_REDIS = 'Redis is killed and stays dead';

const SLICE_MS = 100;

export interface DeadRedisTimes {
  readonly rounds: number;
  readonly beforeSeconds: number;
  readonly deadSeconds: number;
}

/** Of the requests that came back, or did not, after Redis had died. */
export interface WithoutRedis {
  readonly asked: number;
  /** Another status than 200, or no answer. */
  readonly failed: number;
  readonly slowestUs: number;
}

/** What clients get when Redis dies for good: of the gateway, and of nginx with Lua where that is installed. */
export async function measureDeadRedis(
  { session, record, options }: SuiteContext,
  place: SubjectContext,
  { rounds, beforeSeconds, deadSeconds }: DeadRedisTimes,
): Promise<void> {
  const ratePerSecond = options.rate ?? (options.miniature ? 200 : 1000);
  const starts = [
    async (): Promise<Subject> => startLimited(place, await startRedis(session), { clientBy: 'ip' }),
    ...(findNginxLua() === undefined
      ? []
      : [async (): Promise<Subject> => startNginxLua(place, await startRedis(session), { clientBy: 'ip' })]),
  ];
  for (const start of starts) {
    const seen: WithoutRedis[] = [];
    let name = '';
    for (let round = 1; round <= rounds; round++) {
      const subject = await start();
      ({ name } = subject);
      const load: LoadPlan = {
        request: { name: 'dead-redis', method: 'GET', requestBody: undefined, countStatuses: true },
        url: subject.url + PATH,
        seconds: beforeSeconds + deadSeconds,
        connections: options.miniature ? 8 : 64,
        ratePerSecond,
        timelineMs: SLICE_MS,
      };
      const running = startLoad(session, load);
      const startedMs = await running.startedMs;
      await delay(beforeSeconds * 1000);
      subject.redis?.process.child.kill('SIGKILL');
      const killedMs = performance.now() - startedMs;
      seen.push(withoutRedis((await running.result).timeline, killedMs));
      await stopSubject(subject);
      const { failed, asked, slowestUs } = seen.at(-1) ?? { failed: 0, asked: 0, slowestUs: 0 };
      record.progress(`${DEAD_REDIS}: ${name}, round ${round}: ${failed} of ${asked} fail, slowest ${slowestUs} µs`);
    }
    const measure = (metric: string, unit: string, of: (one: WithoutRedis) => number): void =>
      record.measure({
        case: DEAD_REDIS,
        subject: name,
        metric,
        unit,
        better: 'lower',
        samples: seen.map(of).map(rounded),
      });
    measure('failed', '%', ({ failed, asked }) => (failed / Math.max(asked, 1)) * 100);
    measure('slowest', 'ms', ({ slowestUs }) => slowestUs / 1000);
  }
  record.note(
    `${DEAD_REDIS}: an open loop of ${ratePerSecond} requests a second; counted is what came in the ${deadSeconds} s after ` +
      'the kill. nginx with Lua answers 500 when it cannot ask Redis, as most such configurations do.',
  );
}

/** The slice in which it was killed counts as well: what failed there failed by that. */
export function withoutRedis(timeline: readonly TimeSlice[], killedMs: number): WithoutRedis {
  const after = timeline.filter(({ atMs }) => atMs + SLICE_MS > killedMs);
  const errors = after.reduce((sum, slice) => sum + slice.errors, 0);
  const answers = after.flatMap(({ statuses }) => Object.entries(statuses));
  const count = (counts: readonly (readonly [string, number])[]): number => counts.reduce((sum, [, n]) => sum + n, 0);
  return {
    asked: errors + count(answers),
    failed: errors + count(answers.filter(([status]) => status !== '200')),
    slowestUs: Math.max(0, ...after.map(({ maxUs }) => maxUs)),
  };
}
