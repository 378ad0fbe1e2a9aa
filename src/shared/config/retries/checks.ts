import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** An attempt that lasts as long as all of them may leaves no time for another. */
export function checkRetries({ retries, timeouts }: Partial<RouteYaml>, index: number): readonly YamlProblem[] {
  const perTry = retries?.per_try_seconds;
  const total = timeouts?.total_seconds ?? 0;
  if (perTry === undefined || total === 0 || perTry < total) return [];
  return [
    {
      path: ['routes', index, 'retries', 'per_try_seconds'],
      value: String(perTry),
      expected: `less than total_seconds (${total})`,
    },
  ];
}
