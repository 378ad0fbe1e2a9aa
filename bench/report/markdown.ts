import type { BenchResult, CpuShare, Ratio } from '../shared/result.ts';
import { betterText, checkText, groupMeasures, judgeRatio, machineFacts, methodFacts, metricName } from './facts.ts';
import { refusedRatios, targetText, toldRatios, verdictText, warnings } from './facts.ts';
import type { Fact, MeasureGroup } from './facts.ts';
import { firstPageMarkdown } from './first-page-text.ts';
import { escapeMarkdown } from './markdown-escape.ts';
import { formatNumber, formatSpread } from './numbers.ts';

type Row = readonly string[];

/** One result as Markdown (GitHub's, with tables): every figure as median (lowest–highest round). */
export function renderMarkdown(result: BenchResult): string {
  const blocks = [
    `# Benchmark: ${escapeMarkdown(result.suite)}`,
    escapeMarkdown(result.question),
    ...warnings(result).map((text) => `> **${escapeMarkdown(text)}**`),
    ...section('First', firstPageOf(result)),
    facts('Machine', machineFacts(result)),
    facts('Method', methodFacts(result)),
    ...measures(groupMeasures(result.measures)),
    ...section('Ratios', ratioTable(toldRatios(result))),
    ...section('Checks', checkTable(result)),
    ...section('Whose CPU, in cores kept busy', cpuTable(result.cpuShares)),
    ...section('Notes', result.notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')),
    ...section('Ratios that are refused, and why', refusedTable(refusedRatios(result))),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const section = (title: string, body: string): string[] => (body === '' ? [] : [`## ${title}`, body]);

const facts = (title: string, list: readonly Fact[]): string =>
  `## ${title}\n\n${list.map(([name, value]) => `- ${name}: ${escapeMarkdown(value)}`).join('\n')}`;

function measures(groups: readonly MeasureGroup[]): string[] {
  const cases = [...new Set(groups.map((group) => group.case))];
  return cases.flatMap((name) => {
    const own = groups.filter((group) => group.case === name);
    return [`## ${escapeMarkdown(name)}`, ...own.map(measureTable)];
  });
}

function measureTable({ metric, unit, better, measures }: MeasureGroup): string {
  const words = [metricName(metric), unit, betterText(better)].filter((word) => word !== undefined && word !== '');
  const rows = measures.map(({ subject, samples }) => [subject, formatSpread(samples), String(samples.length)]);
  return table([words.join(', '), 'median (lowest–highest)', 'rounds'], rows);
}

/** Of the one suite that is nothing else. */
const firstPageOf = (result: BenchResult): string => (result.suite === 'quick' ? firstPageMarkdown([result]) : '');

function refusedTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map((ratio) => {
    const name = `${ratio.subject} / ${ratio.against}`;
    return [ratio.case, name, metricName(ratio.metric), verdictText(judgeRatio(ratio))];
  });
  return table(['case', 'ratio', 'of', 'why'], rows);
}

function ratioTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map((ratio) => {
    const name = `${ratio.subject} / ${ratio.against}`;
    const spread = formatSpread(ratio.samples);
    return [
      ratio.case,
      name,
      metricName(ratio.metric),
      spread,
      targetText(ratio) ?? '–',
      verdictText(judgeRatio(ratio)),
    ];
  });
  return table(['case', 'ratio', 'of', 'median (lowest–highest)', 'target', 'verdict'], rows);
}

const checkTable = ({ checks }: BenchResult): string =>
  table(
    ['case', 'check', 'verdict', 'seen'],
    checks.map((check) => [check.case, check.what, checkText(check), check.detail]),
  );

function cpuTable(shares: readonly CpuShare[]): string {
  const names = [...new Set(shares.flatMap(({ busyCores }) => Object.keys(busyCores)))];
  const rows = shares.map(({ case: name, subject, busyCores }) => [
    name,
    subject,
    ...names.map((process) => (busyCores[process] === undefined ? '–' : formatNumber(busyCores[process]))),
  ]);
  return table(['case', 'subject', ...names], rows);
}

/** '' for no rows. */
function table(head: Row, rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const line = (cells: Row): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
