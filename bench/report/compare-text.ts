import { table } from '../shared/table.ts';
import type { Comparison } from './compare.ts';
import { P_LIMIT } from './compared-figure.ts';
import type { ComparedFigure } from './compared-figure.ts';
import { metricName } from './facts.ts';
import { formatChange, formatSpread } from './numbers.ts';

/** A comparison for a terminal: what is worse first, then what is better, then the rest, the warnings at the end. */
export function renderComparison(comparison: Comparison): string {
  const { suite, commits, figures, warnings, onlyBefore, onlyAfter } = comparison;
  const ranks = ['worse', 'better', 'changed', 'within the noise', 'too few rounds'] as const;
  const rows = ranks.flatMap((rank) => figures.filter(({ verdict }) => verdict === rank)).map(row);
  const head = ['verdict', 'change', 'p', 'before: median (lowest–highest)', 'after', 'figure'];
  return [
    `${suite}: ${commits[0]} -> ${commits[1]}`,
    figures.length === 0 ? 'no figure is in both' : table([head, ...rows], 'left-last'),
    summary(comparison),
    ...onlyBefore.map((name) => `only before: ${name}`),
    ...onlyAfter.map((name) => `only after: ${name}`),
    ...warnings.map((text) => `warning: ${text}`),
  ].join('\n');
}

function row({ verdict, change, p, before, after, ...names }: ComparedFigure): string[] {
  const { case: name, subject, metric, unit, kind } = names;
  const what = kind === 'ratio' ? `ratio of ${metricName(metric)}` : metricName(metric);
  return [
    verdict,
    change === undefined ? '–' : formatChange(change),
    p < 0.0001 ? '<0.0001' : p.toFixed(4),
    formatSpread(before),
    formatSpread(after),
    `${name}, ${subject}, ${what}${unit === '' ? '' : `, ${unit}`}`,
  ];
}

function summary({ figures, worse, better }: Comparison): string {
  const few = figures.filter(({ verdict }) => verdict === 'too few rounds').length;
  const judged = figures.length - few;
  const expected = (judged * P_LIMIT).toFixed(1);
  const counts = `${worse.length} worse, ${better.length} better of ${judged} judged at p ≤ ${P_LIMIT}`;
  const chance = `about ${expected} of them would differ by chance alone`;
  return `${counts} (${chance})${few === 0 ? '' : `; ${few} have too few rounds (five on each side are enough)`}`;
}
