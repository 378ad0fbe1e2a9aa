import { summarize } from '../shared/statistics.ts';
import type { Summary } from '../shared/statistics.ts';

const SIGNIFICANT = 4;

/** Four significant digits, never fewer than the integer part has; thousands separated: `0.01234`, `12.34`, `12,345`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-4 || size >= 1e12) return value.toExponential(SIGNIFICANT - 1);
  const digits = Math.min(10, Math.max(0, SIGNIFICANT - 1 - Math.floor(Math.log10(size))));
  // Counts stay counts: 3, not 3.000.
  const fractionDigits = Number.isInteger(value) ? 0 : digits;
  const style = { minimumFractionDigits: fractionDigits, maximumFractionDigits: fractionDigits };
  return value.toLocaleString('en-US', style);
}

/** What a person chose rather than measured, such as a target: no digits it was not given, `1.15` and not `1.150`. */
export const formatChosen = (value: number): string =>
  Math.abs(value) < 1e-4
    ? formatNumber(value)
    : value.toLocaleString('en-US', { maximumSignificantDigits: SIGNIFICANT });

/** `12.34 (11.90–12.80)`, or the number alone where there was one round. */
export function formatSpread(samples: readonly number[]): string {
  const summary = summarize(samples);
  if (summary === undefined) return '–';
  return samples.length === 1
    ? formatNumber(summary.median)
    : `${formatNumber(summary.median)} (${formatRange(summary)})`;
}

export const formatRange = ({ min, max }: Summary): string => `${formatNumber(min)}–${formatNumber(max)}`;

/** A change as a percentage with its sign: `+3.1 %`. */
export function formatChange(ratio: number): string {
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
}
