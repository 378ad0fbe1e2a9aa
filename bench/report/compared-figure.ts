import type { BenchResult, Measure } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import { lowestP, rankTestP } from './rank-test.ts';

/**
 * A difference counts as one where chance alone would show as much in fewer than one of a hundred comparisons. With five
 * rounds each that is exactly where the spreads do not overlap; with fewer than that nothing can be told.
 */
export const P_LIMIT = 0.01;

export type ComparisonVerdict =
  | 'better'
  | 'worse'
  /** Beyond the noise, of a figure that is neither better nor worse high or low. */
  | 'changed'
  | 'within the noise'
  | 'too few rounds';

/** One figure before and after: a measure, or a ratio (then the subject is `gateway / HAProxy`). */
export interface ComparedFigure {
  readonly kind: 'measure' | 'ratio';
  readonly case: string;
  readonly subject: string;
  readonly metric: string;
  readonly unit: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Median after over median before; undefined where that cannot be said (a median is not above zero). */
  readonly change: number | undefined;
  /** How likely chance alone shows such a difference, 0 to 1. */
  readonly p: number;
  readonly verdict: ComparisonVerdict;
}

/** One figure of one result. */
export interface Figure extends Pick<ComparedFigure, 'kind' | 'case' | 'subject' | 'metric' | 'unit'> {
  readonly better: Measure['better'];
  readonly samples: readonly number[];
}

/** Measures, and the ratios that were not refused. */
export function figuresOf({ measures, ratios }: BenchResult): Figure[] {
  return [
    ...measures.map((one) => ({ kind: 'measure' as const, ...one })),
    ...ratios
      .filter(({ samples, refused }) => samples.length > 0 && refused === undefined)
      .map((one) => ({ kind: 'ratio' as const, unit: '', ...one, subject: `${one.subject} / ${one.against}` })),
  ];
}

/** By all that says what the figure is; another unit or direction makes another figure. */
export const byKey = (figures: readonly Figure[]): Map<string, Figure> =>
  new Map(
    figures.map((one) => [JSON.stringify([one.kind, one.case, one.subject, one.metric, one.unit, one.better]), one]),
  );

export function compareFigure({ better, samples, ...names }: Figure, now: Figure): ComparedFigure {
  const before = summarize(samples)?.median ?? Number.NaN;
  const after = summarize(now.samples)?.median ?? Number.NaN;
  const p = rankTestP(samples, now.samples);
  const verdict = judge({ better, change: after - before, p, possible: lowestP(samples.length, now.samples.length) });
  const { kind, case: name, subject, metric, unit } = names;
  const change = before > 0 && after > 0 ? after / before : undefined;
  return { kind, case: name, subject, metric, unit, before: samples, after: now.samples, change, p, verdict };
}

function judge(seen: { better: Measure['better']; change: number; p: number; possible: number }): ComparisonVerdict {
  const { better, change, p, possible } = seen;
  if (possible > P_LIMIT) return 'too few rounds';
  if (p > P_LIMIT || change === 0) return 'within the noise';
  if (better === 'neither') return 'changed';
  return change < 0 === (better === 'lower') ? 'better' : 'worse';
}
