import type { BenchResult } from '../shared/result.ts';
import { byKey, compareFigure, figuresOf } from './compared-figure.ts';
import type { ComparedFigure, Figure } from './compared-figure.ts';

export interface Comparison {
  readonly suite: string;
  readonly commits: readonly [before: string, after: string];
  readonly figures: readonly ComparedFigure[];
  readonly worse: readonly ComparedFigure[];
  readonly better: readonly ComparedFigure[];
  /** Figures that only one of the two has, as `case, subject, metric`. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** Why a difference may come from elsewhere than the code. */
  readonly warnings: readonly string[];
}

/** Two results that have nothing to compare. */
export class IncomparableError extends Error {}

/**
 * What changed from one result of a suite to another, beyond the noise between rounds.
 * The rounds of a run share its start: two runs of the same code can differ by more than their rounds do. So a difference
 * that matters should be seen in two pairs of runs.
 * @throws {IncomparableError} when they are not results of the same suite in the same schema
 */
export function compareResults(before: BenchResult, after: BenchResult): Comparison {
  const schemas: readonly string[] = [before.schema, after.schema];
  if (schemas[0] !== schemas[1]) throw new IncomparableError(`different schemas: ${schemas.join(' and ')}`);
  if (before.suite !== after.suite) {
    throw new IncomparableError(`different suites: ${before.suite} and ${after.suite}`);
  }
  const old = byKey(figuresOf(before));
  const now = byKey(figuresOf(after));
  const figures = [...old].flatMap(([key, figure]) => {
    const other = now.get(key);
    return other === undefined ? [] : [compareFigure(figure, other)];
  });
  const missing = (from: Map<string, Figure>, other: Map<string, Figure>): string[] =>
    [...from].filter(([key]) => !other.has(key)).map(([, one]) => `${one.case}, ${one.subject}, ${one.metric}`);
  return {
    suite: before.suite,
    commits: [nameOf(before), nameOf(after)],
    figures,
    worse: figures.filter(({ verdict }) => verdict === 'worse'),
    better: figures.filter(({ verdict }) => verdict === 'better'),
    onlyBefore: missing(old, now),
    onlyAfter: missing(now, old),
    warnings: differences(before, after),
  };
}

const nameOf = ({ commit, dirty }: BenchResult): string => `${commit.slice(0, 10)}${dirty ? ' (dirty)' : ''}`;

function differences(before: BenchResult, after: BenchResult): string[] {
  const { loadBefore: oldLoad, ...oldMachine } = before.machine;
  const { loadBefore: newLoad, ...newMachine } = after.machine;
  const pairs = [
    ...differing('machine', oldMachine, newMachine),
    ...differing('option', before.options, after.options),
    ...differing('program', before.tools, after.tools),
    ...differing('method', chosen(before.method), chosen(after.method)),
  ];
  return [
    ...pairs,
    ...busy('before', oldLoad),
    ...busy('after', newLoad),
    ...[before, after].flatMap(({ options }, i) =>
      options['miniature'] === true
        ? [`${i === 0 ? 'before' : 'after'} is a miniature run: its figures mean nothing`]
        : [],
    ),
  ];
}

const busy = (which: string, load: number): string[] =>
  load >= 1 ? [`the machine was busy when the run ${which} began: load ${load}`] : [];

/** Without the load generator's ceiling: that is measured and differs each time. */
const chosen = ({ load, rounds, secondsPerRun, warmUpSeconds, pinned }: BenchResult['method']): Facts => ({
  load,
  rounds,
  'seconds per run': secondsPerRun,
  'warm-up seconds': warmUpSeconds,
  'core of the subject': pinned.subject ?? 'none',
  'core of the load': pinned.load ?? 'none',
});

type Facts = Readonly<Record<string, string | number | boolean>>;

function differing(what: string, before: Facts, after: Facts): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .map((name) => `${what} differs, ${name}: ${before[name] ?? 'none'} before, ${after[name] ?? 'none'} after`);
}
