import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderHtml } from '../report/html.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { createRecorder } from '../shared/recorder.ts';
import type { BenchResult } from '../shared/result.ts';
import { openSession } from '../shared/session.ts';
import type { Suite, SuiteOptions } from '../shared/suite.ts';
import { PROJECT_ROOT } from './project.ts';

export interface RunPlan {
  readonly suites: readonly Suite[];
  readonly options: SuiteOptions;
  /** Default: bench/out/<suite>-<time>. */
  readonly out: string | undefined;
}

const say = (line: string): void => console.error(line);

/** Runs the suites one after another and writes their results. False when one failed, or one of its checks did. */
export async function runSuites({ suites, options, out }: RunPlan): Promise<boolean> {
  const name = suites.length === 1 ? (suites[0]?.name ?? '') : 'suites';
  const folder = out ?? join(PROJECT_ROOT, 'bench/out', `${name}-${timeForNames()}`);
  mkdirSync(folder, { recursive: true });
  const results: BenchResult[] = [];
  let allWell = true;
  for (const suite of suites) {
    try {
      const result = await runSuite(suite, options);
      writeResult(folder, result);
      results.push(result);
      console.log((suite.print ?? renderMarkdown)(result));
      allWell &&= result.checks.every(({ ok }) => ok);
    } catch (error) {
      allWell = false;
      say(`${suite.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (results.length > 1) writeFileSync(join(folder, 'report.html'), renderHtml(results));
  if (results.length > 0) say(`Written to ${folder}`);
  return allWell;
}

async function runSuite(suite: Suite, options: SuiteOptions): Promise<BenchResult> {
  const session = openSession(suite.name, options.load);
  try {
    const record = createRecorder({ suite, options, session, say });
    const { cpu, cores, memoryGiB, kernel, loadBefore } = session.machine;
    record.progress(`${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, load before ${loadBefore}`);
    await suite.run({ options, record, session });
    return record.finish();
  } finally {
    await session.close();
  }
}

/** `<suite>.json`, `.md` and `.html`. */
export function writeResult(folder: string, result: BenchResult): void {
  const write = (ending: string, content: string): void =>
    writeFileSync(join(folder, `${result.suite}.${ending}`), content);
  write('json', `${JSON.stringify(result, undefined, 2)}\n`);
  write('md', renderMarkdown(result));
  write('html', renderHtml([result]));
}

/** Sorts by time and suits a file name: 2026-11-23T15-04-05. */
const timeForNames = (): string => new Date().toISOString().slice(0, 19).replaceAll(':', '-');
