import type { CaseRuns } from './load-case.ts';
import type { MeasuredRun } from './measured-run.ts';
import { summarize } from './statistics.ts';

/** A load generator this busy could hardly have sent more. */
const LOAD_BUSY = 0.95;
/** A subject this busy was (also) at its limit. */
const SUBJECT_BUSY = 0.9;
/** Of what the load generator reaches alone. */
const NEAR_CEILING = 0.9;

export interface RefusalFacts {
  /** Requests per second of the load straight at the upstream; undefined = not measured. */
  readonly ceilingPerSecond: number | undefined;
  /** Who runs on the core of the load: their CPU is not the load's to use. */
  readonly onLoadCore: readonly string[];
  /** Cores the subject may use. */
  readonly threads: number;
}

/**
 * Why no ratio of throughput or latency may be printed from these runs of one subject: because the load generator and not
 * the subject was the limit. Undefined = it may. Not for CPU per request, which does not depend on who was the limit.
 */
export function speedRefusal(runs: readonly MeasuredRun[], facts: RefusalFacts): string | undefined {
  const median = (pick: (run: MeasuredRun) => number): number => summarize(runs.map(pick))?.median ?? 0;
  const [subject] = runs.map((run) => run.subject);
  if (subject === undefined) return 'no run without errors';
  const sharing = ['load', ...facts.onLoadCore].filter((name) => runs[0]?.busyCores[name] !== undefined);
  const loadBusy = median(({ busyCores }) => sharing.reduce((sum, name) => sum + (busyCores[name] ?? 0), 0));
  const subjectBusy = median(({ busyCores }) => (busyCores[subject] ?? 0) / facts.threads);
  if (loadBusy >= LOAD_BUSY && subjectBusy < SUBJECT_BUSY) {
    const who = sharing.length > 1 ? `the core of the load (${sharing.join(', ')})` : 'the load generator';
    return `${subject}: ${who} was ${share(loadBusy)} busy, ${subject} ${share(subjectBusy)}`;
  }
  const perSecond = median((run) => run.requestsPerSecond);
  if (facts.ceilingPerSecond !== undefined && perSecond >= facts.ceilingPerSecond * NEAR_CEILING) {
    const ceiling = Math.round(facts.ceilingPerSecond);
    return `${subject}: ${Math.round(perSecond)} req/s is what the load generator can do (${ceiling} req/s alone)`;
  }
  return undefined;
}

/** How many times as fast as a subject the load generator alone must be, for a speed to be the subject's own. */
const ROOM = 2;

/** Why speeds of this subject are not shown: the load alone was not twice as fast, or nobody knows. Undefined = they are. */
export function slowGenerator({ runs, ceilingPerSecond }: CaseRuns, name: string): string | undefined {
  const own = runs.filter(({ subject, problems }) => subject === name && problems.length === 0);
  const perSecond = summarize(own.map((run) => run.requestsPerSecond))?.median;
  if (perSecond === undefined) return 'no run without errors';
  if (ceilingPerSecond !== undefined && ceilingPerSecond >= perSecond * ROOM) return undefined;
  const alone = ceilingPerSecond === undefined ? 'an unknown number' : String(Math.round(ceilingPerSecond));
  return `${name} ${Math.round(perSecond)} req/s, the load generator alone ${alone}, which is not ${ROOM} times as many`;
}

const share = (cores: number): string => `${Math.round(cores * 100)} %`;
