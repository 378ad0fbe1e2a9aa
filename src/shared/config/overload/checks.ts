import type { EnvName, EnvValues } from '../env-table.ts';
import type { Problem } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';

const expectedOf = (workers: number): string =>
  `at least WORKERS (${workers}), so that each request thread has one, or 0 for no limit`;

/** @param workers undefined: it is not known how many threads there are */
const isTooSmall = (max: number | undefined, workers: number | undefined): max is number =>
  max !== undefined && workers !== undefined && max > 0 && max < workers;

/** A limit that some threads have no part of. */
export function checkConcurrency(
  max: number | undefined,
  workers: number | undefined,
  path: readonly PropertyKey[],
): readonly YamlProblem[] {
  return isTooSmall(max, workers) ? [{ path, value: String(max), expected: expectedOf(workers as number) }] : [];
}

/** Threads that share a limit; undefined: WORKERS is wrong, or there are none. */
export const workersOf = (values: EnvValues, problems: readonly { readonly key: string }[]): number | undefined =>
  values.JOBS === 'only' || problems.some(({ key }) => key === 'WORKERS' || key === 'JOBS')
    ? undefined
    : values.WORKERS;

/** The same of the environment. */
export function checkOverload(values: EnvValues, sound: (...names: readonly EnvName[]) => boolean): readonly Problem[] {
  const { UPSTREAM_CONCURRENCY: max } = values;
  const workers = sound('WORKERS', 'JOBS', 'UPSTREAM_CONCURRENCY') ? workersOf(values, []) : undefined;
  if (!isTooSmall(max, workers)) return [];
  return [{ key: 'UPSTREAM_CONCURRENCY', value: String(max), expected: expectedOf(workers as number) }];
}
