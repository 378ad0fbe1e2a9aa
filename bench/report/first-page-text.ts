import type { BenchResult } from '../shared/result.ts';
import { table } from '../shared/table.ts';
import { firstPage } from './first-page.ts';
import { escapeMarkdown } from './markdown-escape.ts';

/** For a terminal: the first page of these results and all their notes. */
export function renderFirstPage(results: readonly BenchResult[]): string {
  const page = firstPage(results);
  const notes = results.flatMap((result) => result.notes.map((note) => `- ${note}`));
  if (page === undefined) return ['Nothing was measured for a first page.', ...notes].join('\n');
  return [table([page.head, ...page.rows]), '', ...page.remarks, '', ...notes].join('\n');
}

/** The same table in Markdown; '' where there is none. */
export function firstPageMarkdown(results: readonly BenchResult[]): string {
  const page = firstPage(results);
  if (page === undefined) return '';
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${page.head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  return [line(page.head), rule, ...page.rows.map(line), '', ...page.remarks.map(escapeMarkdown)].join('\n');
}
