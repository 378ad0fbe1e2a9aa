import type { LoadRequest } from './load/plan.ts';
import { runLoad } from './load/run.ts';
import { measureRun } from './measured-run.ts';
import type { MeasuredRun } from './measured-run.ts';
import { alternate } from './rounds.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import type { Subject } from './subject.ts';
import type { Recorder } from './suite.ts';
import { originOf } from './upstream-process.ts';
import type { Upstream } from './upstream-process.ts';

/** What every case of a suite has in common. */
export interface CaseContext {
  readonly session: Session;
  readonly record: Recorder;
  readonly settings: Settings;
  readonly upstream: Upstream;
}

export interface LoadCase {
  /** Its name in the result. */
  readonly title: string;
  readonly request: LoadRequest;
  /** After the subject's url. */
  readonly path: string;
  readonly subjects: readonly Subject[];
  /** Requests per second of an open loop; undefined = closed loop. */
  readonly ratePerSecond?: number | undefined;
  /** The load cannot be tried alone, because the upstream speaks no TLS: there is no ceiling then. */
  readonly upstreamCannot?: true;
  /** Looks at one answer of each subject before anything is measured. @throws Error that says what is wrong */
  verify?(subject: Subject): Promise<void>;
}

/** All rounds of one case. */
export interface CaseRuns {
  readonly title: string;
  readonly subjects: readonly Subject[];
  readonly runs: readonly MeasuredRun[];
  /** Undefined = it could not be tried. */
  readonly ceilingPerSecond: number | undefined;
  readonly onLoadCore: readonly string[];
}

/**
 * Runs one case against all subjects: the load alone (its ceiling), a warm-up for each, then alternating rounds. Says how
 * it goes, and puts the method, CPU shares and runs that are not used into the record; figures are the caller's
 * (`recordMeasures`, `recordRatio`).
 */
export async function runCase(context: CaseContext, loadCase: LoadCase): Promise<CaseRuns> {
  const { session, record, settings, upstream } = context;
  const { title, path, request, subjects, ratePerSecond } = loadCase;
  const { seconds, connections, warmUpSeconds, rounds } = settings;
  const planFor = ({ url, moreUrls }: Subject) => ({
    request,
    url: url + path,
    moreUrls: moreUrls?.map((more) => more + path),
    seconds,
    connections,
    ratePerSecond,
  });

  for (const subject of subjects) await loadCase.verify?.(subject);
  const ceilingPerSecond = await loadCeiling(context, loadCase);
  const measured = await alternate({
    rounds,
    subjects,
    warmUp: async (subject) => {
      if (warmUpSeconds === 0) return;
      record.progress(`${title}: ${subject.name}, warm-up`);
      await runLoad(session, { ...planFor(subject), seconds: warmUpSeconds });
    },
    run: async (subject, round) => {
      const run = await measureRun(session, { subject, round, upstream, plan: planFor(subject) });
      record.progress(`${title}: ${subject.name}, round ${round} of ${rounds}: ${inWords(run, request)}`);
      return run;
    },
  });
  const runs = measured.map(({ value }) => value);
  recordMethod(context, ceilingPerSecond);
  recordShares(record, title, runs);
  return { title, subjects, runs, ceilingPerSecond, onLoadCore: onLoadCore(session) };
}

/** Requests per second that the same load reaches straight at the upstream, which it shares nothing else with. */
async function loadCeiling(context: CaseContext, loadCase: LoadCase): Promise<number | undefined> {
  const { session, record, settings, upstream } = context;
  if (loadCase.upstreamCannot === true) return undefined;
  record.progress(`${loadCase.title}: the load alone`);
  const { connections, seconds } = settings;
  const plan = { request: loadCase.request, url: originOf(upstream) + loadCase.path, seconds, connections };
  const seen = await runLoad(session, plan);
  return seen.requests / seen.seconds;
}

function onLoadCore({ cores }: Session): string[] {
  if (cores.load === undefined) return [];
  const others = [
    ['upstream', cores.upstream],
    ['redis', cores.redis],
  ] as const;
  return others.filter(([, core]) => core === cores.load).map(([name]) => name);
}

function recordMethod({ record, settings }: CaseContext, ceilingPerSecond: number | undefined): void {
  const { rounds, seconds, warmUpSeconds } = settings;
  record.method({ rounds, secondsPerRun: seconds, warmUpSeconds });
  if (ceilingPerSecond !== undefined) record.method({ loadCeilingPerSecond: Math.round(ceilingPerSecond) });
}

function recordShares(record: Recorder, title: string, runs: readonly MeasuredRun[]): void {
  for (const subject of new Set(runs.map((run) => run.subject))) {
    const own = runs.filter((run) => run.subject === subject);
    const names = Object.keys(own[0]?.busyCores ?? {});
    const mean = (name: string): number => own.reduce((sum, run) => sum + (run.busyCores[name] ?? 0), 0) / own.length;
    const busyCores = Object.fromEntries(names.map((name) => [name, Number(mean(name).toFixed(3))]));
    record.cpuShare({ case: title, subject, busyCores });
    for (const { round, problems } of own) {
      if (problems.length > 0) record.note(`Not used: ${title}, ${subject}, round ${round}: ${problems.join(', ')}.`);
    }
  }
}

function inWords(run: MeasuredRun, { websocket }: LoadRequest): string {
  if (run.problems.length > 0) return `not used: ${run.problems.join(', ')}`;
  const what = websocket === undefined ? 'request' : 'message';
  return `${run.totalUs.toFixed(1)} µs of CPU per ${what}, ${Math.round(run.requestsPerSecond)} a second`;
}
