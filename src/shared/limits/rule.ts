import type { BucketLimit } from './token-bucket.ts';

/** What happens to a request whose store cannot be asked: this process's share, let pass, or 503. */
export type OnStoreFailure = 'local' | 'open' | 'closed';

/** What a client is told to wait where the route is `closed`: about the time in which a store that is back is seen. */
export const CLOSED_RETRY_MS = 1_000;

export interface RuleSpec extends BucketLimit {
  /** '' for the default bucket of a client; else lower-case letters, digits and '-', the end of the bucket's key. */
  readonly name: string;
  /** What people call it, where that is not its name; without quotes and backslashes. */
  readonly label?: string;
}

/** A rule with everything that depends only on it worked out. */
export interface CompiledRule extends RuleSpec {
  /** '' or ':<name>'. */
  readonly keySuffix: string;
  readonly capacityText: string;
  readonly rateText: string;
  /** The item of `RateLimit-Policy`, such as `"default";q=1000;w=10`. */
  readonly policyItem: string;
  /** The quoted name, `"default"`. */
  readonly quotedName: string;
}

/** What people call a rule: in fields of answers, metrics and the admin API. */
export const ruleLabel = ({ name, label }: Pick<RuleSpec, 'name' | 'label'>): string =>
  label ?? (name === '' ? 'default' : name);

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const MOST_TOKENS = 1e9; // a millionth of a token still is a whole number below 2^53
const SLOWEST_PER_SECOND = 1e-6;
const FASTEST_PER_SECOND = 1e9;

/** Checks a rule and works out its parts. Throws RangeError with the field's name. */
export function compileRule(spec: RuleSpec): CompiledRule {
  const { name, capacity, refillPerSecond } = spec;
  if (name !== '' && !NAME.test(name)) throw new RangeError(`rule name ${JSON.stringify(name)}: a-z, 0-9 and '-' only`);
  if (!Number.isInteger(capacity) || capacity < 0 || capacity > MOST_TOKENS) {
    throw new RangeError(`capacity ${capacity}: expected a whole number from 0 to ${MOST_TOKENS}`);
  }
  if (!(refillPerSecond >= SLOWEST_PER_SECOND && refillPerSecond <= FASTEST_PER_SECOND)) {
    throw new RangeError(`refill rate ${refillPerSecond}: expected ${SLOWEST_PER_SECOND} to ${FASTEST_PER_SECOND}`);
  }
  const quotedName = `"${ruleLabel(spec)}"`;
  // The draft wants whole seconds; a bucket that fills in less than one still says 1.
  const windowSeconds = Math.max(1, Math.ceil(capacity / refillPerSecond));
  return Object.freeze({
    name,
    label: ruleLabel(spec),
    capacity,
    refillPerSecond,
    keySuffix: name === '' ? '' : `:${name}`,
    capacityText: String(capacity),
    rateText: String(refillPerSecond),
    quotedName,
    policyItem: `${quotedName};q=${capacity};w=${windowSeconds}`,
  });
}

/** What one request pays: `cost` tokens in the bucket of every rule, or nothing in any. */
export interface Lane {
  readonly rules: readonly CompiledRule[];
  /** Tokens per request, at least 1. */
  readonly cost: number;
}
