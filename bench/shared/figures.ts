import type { CaseRuns } from './load-case.ts';
import type { MeasuredRun } from './measured-run.ts';
import { speedRefusal } from './refusal.ts';
import type { Measure } from './result.ts';
import { ratiosByRound } from './statistics.ts';
import type { Point } from './statistics.ts';
import type { Recorder } from './suite.ts';

interface Figure {
  readonly unit: string;
  readonly better: Measure['better'];
  /** Throughput and latency, which a ratio is refused for when the load generator was the limit. */
  readonly speed: boolean;
  readonly of: (run: MeasuredRun) => number;
}

const cpu = (of: Figure['of'], better: Figure['better'] = 'lower'): Figure => ({
  unit: 'µs',
  better,
  speed: false,
  of,
});
const latency = (of: Figure['of']): Figure => ({ unit: 'ms', better: 'lower', speed: true, of });

/** What can be read from a measured run, by the name it has in the result. */
export const FIGURES = {
  /** Subject and its Redis together. */
  'cpu-per-request': cpu((run) => run.totalUs),
  'cpu-user': cpu((run) => run.userUs, 'neither'),
  'cpu-system': cpu((run) => run.systemUs, 'neither'),
  'cpu-redis': cpu((run) => run.redisUs, 'neither'),
  'scripts-per-request': { unit: '', better: 'lower', speed: false, of: (run) => run.scriptsPerRequest },
  'commands-per-request': { unit: '', better: 'lower', speed: false, of: (run) => run.commandsPerRequest },
  // Of messages over WebSockets: subject; and the load generator that made them.
  'cpu-per-message': cpu((run) => run.totalUs),
  'cpu-load': cpu(({ load }) => (load.busyCores * load.seconds * 1e6) / Math.max(load.requests, 1), 'neither'),
  messages: { unit: 'msg/s', better: 'higher', speed: true, of: (run) => run.requestsPerSecond },
  throughput: { unit: 'req/s', better: 'higher', speed: true, of: (run) => run.requestsPerSecond },
  p50: latency((run) => run.load.p50Us / 1000),
  p90: latency((run) => run.load.p90Us / 1000),
  p99: latency((run) => run.load.p99Us / 1000),
  'p99.9': latency((run) => run.load.p999Us / 1000),
} as const satisfies Record<string, Figure>;

export type FigureName = keyof typeof FIGURES;

const usable = (runs: readonly MeasuredRun[], subject: string): MeasuredRun[] =>
  runs.filter((run) => run.subject === subject && run.problems.length === 0);

/** Puts these figures of every subject into the record; a subject without a run that may be used has none. */
export function recordMeasures(
  record: Recorder,
  { title, runs, subjects }: CaseRuns,
  names: readonly FigureName[],
): void {
  for (const subject of new Set(runs.map((run) => run.subject))) {
    const own = usable(runs, subject);
    if (own.length === 0) continue;
    // One that is not ours, such as the upstream of `--target`: who knows what it needs.
    const foreign = subjects.find(({ name }) => name === subject)?.processes.length === 0;
    for (const metric of names) {
      const { unit, better, speed, of } = FIGURES[metric];
      if (foreign && !speed) continue;
      record.measure({ case: title, subject, metric, unit, better, samples: own.map((run) => rounded(of(run))) });
    }
  }
}

export interface RatioPlan {
  readonly subject: string;
  readonly against: string;
  readonly metric: FigureName;
  readonly target?: number;
  /** Why the suite itself wants none printed. */
  readonly refused?: string | undefined;
}

/**
 * Puts the ratio subject / against, round by round, into the record; or the reason why there is none: no round that both
 * may be used in, or (throughput and latency only) the load generator was the limit for one of them, or
 * the plan's own reason. Nothing at all when one of the two did not take part.
 */
export function recordRatio(record: Recorder, seen: CaseRuns, plan: RatioPlan): void {
  const { subject, against, metric, target } = plan;
  const known = (name: string): boolean => seen.runs.some((run) => run.subject === name);
  if (!known(subject) || !known(against)) return;
  const { better, speed, of } = FIGURES[metric];
  const points = (name: string): Point[] =>
    usable(seen.runs, name).map((run) => ({ round: run.round, value: of(run) }));
  const samples = ratiosByRound(points(subject), points(against)).map(rounded);
  const tooFast = speed ? (refusal(seen, subject) ?? refusal(seen, against)) : undefined;
  const refused = plan.refused ?? tooFast ?? noPair(samples);
  record.ratio({
    case: seen.title,
    subject,
    against,
    metric,
    better,
    ...(target !== undefined && { target }),
    ...(refused === undefined ? { samples } : { samples: [], refused }),
  });
}

function refusal({ runs, subjects, ceilingPerSecond, onLoadCore }: CaseRuns, name: string): string | undefined {
  const { threads = 1, straight = false } = subjects.find((subject) => subject.name === name) ?? {};
  const ceiling = straight ? undefined : ceilingPerSecond;
  return speedRefusal(usable(runs, name), { ceilingPerSecond: ceiling, onLoadCore, threads });
}

const noPair = (samples: readonly number[]): string | undefined =>
  samples.length === 0 ? 'no round that both can be used in' : undefined;

/** Six digits are more than any of this is worth. */
export const rounded = (value: number): number => Number(value.toPrecision(6));
