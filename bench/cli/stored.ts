import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareResults } from '../report/compare.ts';
import { renderComparison } from '../report/compare-text.ts';
import { firstPageMarkdown } from '../report/first-page-text.ts';
import { renderHtml } from '../report/html.ts';
import { renderReadmeCharts } from '../report/readme-charts.ts';
import { resultSchema } from '../shared/result.ts';
import type { BenchResult } from '../shared/result.ts';
import { writeResult } from './run-suites.ts';

/** @throws Error that names the file and what is wrong with it */
export function readResult(file: string): BenchResult {
  try {
    return resultSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} is not a result of this bench: ${String(error)}`, { cause: error });
  }
}

/** Prints what changed from one result to another beyond the noise. */
export function compare(before: string, after: string): void {
  console.log(renderComparison(compareResults(readResult(before), readResult(after))));
}

/** Writes Markdown and HTML of stored results anew, all of them together as report.html, the README's table and its charts. */
export function report(paths: readonly string[], out?: string): void {
  const files = paths.flatMap((path) => (statSync(path).isDirectory() ? jsonFiles(path) : [path]));
  const results = files.map(readResult);
  const [one] = files;
  if (one === undefined) throw new Error(`no .json in ${paths.join(', ')}`);
  const folder = out ?? dirname(one);
  mkdirSync(folder, { recursive: true });
  for (const result of results) writeResult(folder, result);
  const file = join(folder, 'report.html');
  writeFileSync(file, renderHtml(results));
  const first = firstPageMarkdown(results);
  if (first !== '') writeFileSync(join(folder, 'first-page.md'), `${first}\n`);
  for (const { name, svg } of renderReadmeCharts(results)) writeFileSync(join(folder, name), svg);
  console.log(file);
}

const jsonFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => join(folder, name));
