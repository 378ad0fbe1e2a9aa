import { measureRun } from '../../shared/measured-run.ts';
import { runLoad } from '../../shared/load/run.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { speedRefusal } from '../../shared/refusal.ts';
import { alternate } from '../../shared/rounds.ts';
import type { Session } from '../../shared/session.ts';
import { summarize } from '../../shared/statistics.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { REQUEST, PATH } from './subjects.ts';

/** Looks for what a closed loop reaches; wrk where it is installed and nothing else was asked for, it costs least. */
export function saturatingPlace({ session, options, record }: SuiteContext): Session {
  const wrk = findProgram('wrk');
  if (options.load !== undefined || wrk === undefined) return session;
  record.tool('wrk', versionOf(wrk));
  return { ...session, tool: 'wrk' };
}

/**
 * Requests per second of the slowest of these subjects in a closed loop, the median of alternating rounds: at 90 % of it
 * none of them is beyond its limit.
 * @param miniature any round will do: its figures mean nothing, and on a busy machine none of so short ones is clean
 * @throws Error when one of them has no round without errors
 */
export async function findSaturation(
  cases: CaseContext,
  subjects: readonly Subject[],
  { miniature }: { readonly miniature: boolean },
): Promise<number> {
  const { session, record, settings, upstream } = cases;
  const { seconds, connections, rounds, warmUpSeconds } = settings;
  const planFor = ({ url }: Subject) => ({ request: REQUEST, url: url + PATH, seconds, connections });
  const seen = await alternate({
    rounds,
    subjects,
    warmUp: async (subject) => {
      if (warmUpSeconds > 0) await runLoad(session, { ...planFor(subject), seconds: warmUpSeconds });
    },
    run: async (subject, round) => {
      const run = await measureRun(session, { subject, round, upstream, plan: planFor(subject) });
      record.progress(
        `saturation: ${subject.name}, round ${round} of ${rounds}: ${Math.round(run.requestsPerSecond)} req/s`,
      );
      return run;
    },
  });
  const found = subjects.map(({ name, threads = 1 }) => {
    const runs = seen.filter(
      ({ subject, value }) => subject.name === name && (miniature || value.problems.length === 0),
    );
    const usable = runs.map(({ value }) => value);
    const perSecond = usable.map((run) => run.requestsPerSecond);
    const middle = summarize(perSecond);
    if (middle === undefined) {
      const problems = seen.flatMap(({ subject, value }) => (subject.name === name ? value.problems : []));
      throw new Error(`${name} has no saturation: ${[...new Set(problems)].join(', ')}`);
    }
    const measured = { case: 'saturation, closed loop', subject: name, metric: 'throughput', unit: 'req/s' } as const;
    record.measure({ ...measured, better: 'higher', samples: perSecond.map(Math.round) });
    const refusal = speedRefusal(usable, { ceilingPerSecond: undefined, onLoadCore: sharers(session), threads });
    if (refusal !== undefined) record.note(`Its saturation is higher than what could be sent: ${refusal}.`);
    return middle.median;
  });
  return Math.min(...found);
}

/** Who runs on the core of the load. */
function sharers({ cores }: Session): string[] {
  if (cores.load === undefined) return [];
  return (['upstream', 'redis'] as const).filter((name) => cores[name] === cores.load);
}
