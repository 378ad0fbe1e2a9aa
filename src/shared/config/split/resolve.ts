import type { RouteYaml } from '../yaml-schema.ts';
import type { SplitSideConfig } from './types.ts';

/** Values that have passed every check. */
export const resolveSplit = ({ split }: RouteYaml): readonly SplitSideConfig[] | undefined =>
  split?.map(({ upstream, weight = 1, when }) => ({
    upstream,
    weight,
    when: when && { name: when.header.toLowerCase(), value: when.equals },
  }));

interface Destined {
  readonly upstream?: string | undefined;
  readonly split?: readonly { readonly upstream: string }[] | undefined;
}

/** All upstreams that requests of a route may go to; the first of a split stands for it where one is asked for. */
export const upstreamsOf = ({ upstream, split = [] }: Destined): readonly string[] => {
  const sides = split.map((side) => side.upstream);
  return upstream === undefined || sides.includes(upstream) ? sides : [upstream, ...sides];
};
