import { isIP } from 'node:net';
import type { Problem } from '../problems.ts';
import type { Config } from '../types.ts';

/** `resolve: all` of an upstream that has no name to look up. */
export const uselessResolve = ({ upstreams }: Config): readonly Problem[] =>
  upstreams
    .filter(({ resolveAllMs, targets }) => resolveAllMs > 0 && targets.every(({ host }) => isIP(host) !== 0))
    .map(({ name }) => ({
      key: `upstreams.${name}.resolve`,
      value: 'all',
      expected: 'a target with a name',
      reason: 'an address is one target whatever is said',
    }));

/** `balance` of an upstream that has nothing to choose from. */
export const uselessBalance = ({ upstreams }: Config): readonly Problem[] =>
  upstreams
    .filter(({ balance, resolveAllMs, targets }) => balance !== undefined && resolveAllMs === 0 && targets.length < 2)
    .map(({ name }) => ({
      key: `upstreams.${name}.balance`,
      value: undefined,
      expected: 'two targets or more, or resolve: all',
      reason: 'its one target gets all requests',
    }));
