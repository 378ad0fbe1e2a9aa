import type { EnvValues } from '../env-table.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import type { IpListConfig } from './types.ts';

/** @param route.ip right by itself */
export function checkIp({ ip }: Partial<RouteYaml>, path: readonly PropertyKey[]): readonly YamlProblem[] {
  if (ip === undefined || ip.allow !== undefined || ip.deny !== undefined) return [];
  return [{ path: [...path, 'ip'], value: 'neither', expected: 'allow, deny or both' }];
}

/** All lists that hold for a route: each must let a client pass. @returns `undefined` where there is none */
export function resolveIp(
  { ip }: RouteYaml,
  { IP_ALLOW, IP_DENY }: Pick<EnvValues, 'IP_ALLOW' | 'IP_DENY'>,
): readonly IpListConfig[] | undefined {
  const lists: IpListConfig[] = [];
  if (IP_ALLOW !== undefined || IP_DENY !== undefined) {
    lists.push({ from: 'environment', allow: IP_ALLOW ?? [], deny: IP_DENY ?? [] });
  }
  if (ip !== undefined) lists.push({ from: 'route', allow: ip.allow ?? [], deny: ip.deny ?? [] });
  return lists.length === 0 ? undefined : lists;
}
