import type { BenchResult } from '../shared/result.ts';

/** Results of these suites, the newest first; of equally old ones that of the suite named first. */
export const newestFirst = (results: readonly BenchResult[], suites: readonly string[]): BenchResult[] =>
  suites
    .flatMap((suite) => results.filter((result) => result.suite === suite))
    .toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
