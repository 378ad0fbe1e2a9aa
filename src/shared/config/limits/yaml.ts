import * as z from 'zod';
import { BOUNDS, decimal, wholeNumber } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { RULE_NAME, RULE_NAME_PHRASE } from './rule-name.ts';
import { ON_STORE_FAILURE } from '../words.ts';
import { flag, section } from '../yaml-fields.ts';

/** One token bucket of each client. */
export const limitSchema = section({
  name: z
    .string(RULE_NAME_PHRASE)
    .regex(RULE_NAME, RULE_NAME_PHRASE)
    .optional()
    .describe(
      'Name of the bucket, in Redis keys and RateLimit fields; routes that give the same name (and numbers) share it. ' +
        "Only a route's one limit may leave it out: default the route's name, in lower case, with - for . and _ (of messages: and -messages).",
    ),
  capacity: wholeNumber(BOUNDS.capacity).describe('Most tokens in the bucket, the burst; 0 refuses everything.'),
  refill_per_second: decimal(BOUNDS.refillPerSecond).describe(
    'Tokens a second that come back; fractions such as 0.1 work.',
  ),
});

/** The keys of a route that limit it; what needs several of them to judge is in limit-checks.ts. */
export const ROUTE_LIMIT_FIELDS = {
  limits: z
    .array(limitSchema.describe('One limit.'), 'a list of limits ([] = never limited)')
    .optional()
    .describe(
      'Token buckets of each client; all must grant. [] = never limited. Default the one of RATE_LIMIT_CAPACITY and ' +
        'RATE_LIMIT_REFILL_RATE if either is set, else not limited.',
    ),
  cost: wholeNumber(BOUNDS.count).optional().describe('Tokens a request takes from every bucket; default 1.'),
  on_store_failure: oneOf(ON_STORE_FAILURE)
    .optional()
    .describe(
      "Without Redis: local limits by this process's share, open lets pass, closed answers 503. " +
        'Default RATE_LIMIT_ON_STORE_FAILURE.',
    ),
  shadow: flag.optional().describe('Decide, count and log, but let pass; default RATE_LIMIT_SHADOW.'),
  lease: wholeNumber(BOUNDS.lease)
    .optional()
    .describe('Tokens that a thread may take ahead for a busy client, 0 = off; default RATE_LIMIT_LEASE.'),
} as const;
