import type { CompiledRule, Lane } from './rule.ts';
import type { BucketRule } from './take-steps.ts';

/**
 * A share of the burst, but never less than one request where the whole limit allows one: the rate keeps the sum of
 * all nodes right, and a client is not locked out because there are more nodes than tokens.
 */
export const limitOfShare = (
  { keySuffix, capacity, refillPerSecond }: CompiledRule,
  { cost }: Pick<Lane, 'cost'>,
  share: number,
): BucketRule => ({
  keySuffix,
  capacity: capacity < cost ? capacity : Math.max(cost, capacity / share),
  refillPerSecond: refillPerSecond / share,
});

/** The rule with the waits of the share: a token comes back 1/share as fast. */
export const waitsOfShare = (rule: CompiledRule, share: number): CompiledRule => ({
  ...rule,
  refillPerSecond: rule.refillPerSecond / share,
});
