import type { RouteYaml } from '../yaml-schema.ts';

/** Parts of a YAML file that may be anything yet. */

export type Mapping = Readonly<Record<string, unknown>>;

/** An empty one for what is no mapping. */
export const asMapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

/** The entries that have a text as their value. */
export const textsIn = (value: unknown): readonly (readonly [name: string, text: string])[] =>
  Object.entries(asMapping(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');

/** Whether a `redirect` sends only some of its route's requests elsewhere. */
export const isDetour = (redirect: unknown): boolean => {
  const given = asMapping(redirect);
  return 'pattern' in given || 'scheme' in given;
};

/** One route: as it stands in the file, and the keys of it that are right by themselves. */
export interface RouteParts {
  readonly given: Mapping;
  readonly good: Partial<RouteYaml>;
  readonly path: readonly PropertyKey[];
}
