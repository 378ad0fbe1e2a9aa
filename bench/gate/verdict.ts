import { summarize } from '../shared/statistics.ts';

/** What the gate says about the ratios HEAD / base of CPU per request, one for each round. */
export interface Verdict {
  readonly passed: boolean;
  readonly line: string;
}

/**
 * Fails when the median is over the threshold and the rounds agree that HEAD needs more: three quarters of them are above
 * 1. One wild round, or a spread that lies around 1, is no evidence.
 */
export function judge(ratios: readonly number[], threshold: number): Verdict {
  const seen = summarize(ratios);
  if (seen === undefined) return { passed: false, line: 'GATE FAILED: no round without errors to compare' };
  const { median, min, max } = seen;
  const agreed = ratios.filter((ratio) => ratio > 1).length >= ratios.length * 0.75;
  const figures = `CPU per request HEAD / base ${median.toFixed(3)} (${min.toFixed(3)}–${max.toFixed(3)})`;
  if (median > threshold && agreed) return { passed: false, line: `GATE FAILED: ${figures}, over ${threshold}` };
  const doubt = median > threshold ? `; over ${threshold}, but within the spread of the rounds` : '';
  return { passed: true, line: `gate passed: ${figures}, threshold ${threshold}${doubt}` };
}
