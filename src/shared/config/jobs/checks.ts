import type { EnvName, EnvValues } from '../env-table.ts';
import type { Problem } from '../problems.ts';
import { jobsRedisMode } from './resolve.ts';

/** @param sound whether variables had no problem of their own */
export function checkJobs(values: EnvValues, sound: (...names: readonly EnvName[]) => boolean): readonly Problem[] {
  const { JOBS_REDIS_URL: url, REDIS_MODE } = values;
  if (url === undefined) return [];
  const problems: Problem[] = [];
  const blame = (expected: string): number => problems.push({ key: 'JOBS_REDIS_URL', value: '***', expected });
  if (sound('REDIS_MODE')) {
    const mode = jobsRedisMode(url.nodes, REDIS_MODE);
    if (mode === 'standalone' && url.nodes.length > 1) blame('one URL, because REDIS_MODE is standalone');
    if (mode === 'cluster' && (url.database ?? 0) !== 0) blame('a URL without database: a cluster has only 0');
  }
  if (url.username !== undefined && url.password === undefined) {
    blame('a password in it, because there is a user name');
  }
  return problems;
}
