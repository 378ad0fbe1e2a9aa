import type { Problem } from '../problems.ts';
import type { Config, RouteConfig } from '../types.ts';

/** Time-outs of attempts that another is quicker than. */
function uselessPerTry({ name, retries, timeouts }: RouteConfig): readonly Problem[] {
  const perTryMs = retries?.perTryMs ?? 0;
  const { headersMs, totalMs } = timeouts;
  const firstMs = totalMs > 0 ? Math.min(headersMs, totalMs) : headersMs;
  if (perTryMs < firstMs) return [];
  return [
    {
      key: `routes.${name}.retries.per_try_seconds`,
      value: String(perTryMs / 1000),
      expected: `less than ${firstMs / 1000}, when the request as a whole is given up`,
    },
  ];
}

/** Everything that is sent there may come twice. */
function repeatsAnything({ name, retries, methods }: RouteConfig): readonly Problem[] {
  if (retries?.anyMethod !== true || methods !== undefined) return [];
  return [
    {
      key: `routes.${name}.retries.idempotent`,
      value: 'true',
      expected: 'methods with it: else every POST of the route may arrive twice',
    },
  ];
}

/** Repeats that are hardly meant so. */
export const riskyRetries = ({ routes }: Config): readonly Problem[] =>
  routes.flatMap((route) => [...uselessPerTry(route), ...repeatsAnything(route)]);
