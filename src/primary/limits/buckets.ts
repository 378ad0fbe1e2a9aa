import type { CompiledRule } from '../../shared/limits/rule.ts';
import type { BucketLimit } from '../../shared/limits/token-bucket.ts';

/** A rule as one route asks for it; the cost matters only where a node counts for itself. */
export interface AskedRule {
  readonly rule: CompiledRule;
  readonly cost: number;
}

/** How full a bucket is now. */
export interface Level {
  /** `false`: there is no bucket yet, so it is full. */
  readonly exists: boolean;
  readonly tokens: number;
  /** There is one, and it was last used with this very limit. */
  readonly isAsStored: boolean;
  /** What it is limited to; less than the rule where only this node's share counts. */
  readonly limit: BucketLimit;
}

/** Where the buckets of clients lie. Every method: `undefined` = they cannot be reached, or are locked. */
export interface Buckets {
  /** One level for each rule asked for, in their order. */
  levels(client: string, asked: readonly AskedRule[]): Promise<readonly Level[] | undefined>;
  /** Sets each bucket to so many tokens, at most its capacity. */
  setTokens(client: string, asked: readonly AskedRule[], tokens: number): Promise<true | undefined>;
  /** @returns how many there were */
  remove(client: string, rules: readonly CompiledRule[]): Promise<number | undefined>;
}
