import type { EnvName } from '../env-table.ts';
import type { Problem } from '../problems.ts';
import type { Config } from '../types.ts';
import { DEFAULT_UPSTREAM } from '../upstreams/resolve.ts';
import type { GatewayYaml } from '../yaml-schema.ts';

interface Sources {
  readonly given: ReadonlySet<EnvName>;
  readonly yaml: GatewayYaml | undefined;
}

/** HEALTH_PATH is for the upstream that UPSTREAM_URL makes, and there is none, or the file defines it. */
export function uselessHealthPath({ upstreams }: Config, { given, yaml }: Sources): readonly Problem[] {
  if (!given.has('HEALTH_PATH')) return [];
  const made = yaml?.upstreams?.[DEFAULT_UPSTREAM] === undefined;
  if (made && upstreams.some(({ name }) => name === DEFAULT_UPSTREAM)) return [];
  const expected = 'health in the upstreams of the YAML, or UPSTREAM_URL';
  return [{ key: 'HEALTH_PATH', value: undefined, expected, reason: 'no upstream is made of UPSTREAM_URL' }];
}
