import type { RouteAllowConfig } from '../config/identity/types.ts';

/** What of a caller `allow` goes by. */
export interface Allowable {
  readonly consumer: string;
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
}

/** The first part of a route's `allow` that does not mean the caller; `undefined` = the route is for it. */
export function lackOf(
  allow: RouteAllowConfig,
  { consumer, groups, scopes }: Allowable,
): keyof RouteAllowConfig | undefined {
  if (allow.consumers.length > 0 && !allow.consumers.includes(consumer)) return 'consumers';
  if (allow.groups.length > 0 && !allow.groups.some((group) => groups.includes(group))) return 'groups';
  if (allow.scopes.length > 0 && !allow.scopes.some((scope) => scopes.includes(scope))) return 'scopes';
  return undefined;
}
