import * as z from 'zod';
import { BOUNDS, decimal, seconds, share, wholeNumber } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { BREAKER_MODES, BREAKER_PROBES } from '../words.ts';
import { section } from '../yaml-fields.ts';

const window = section({
  seconds: seconds(BOUNDS.seconds).optional().describe('Length of the window; default CIRCUIT_BREAKER_WINDOW_SECONDS.'),
  min_volume: wholeNumber(BOUNDS.count)
    .optional()
    .describe('Fewer calls in the window decide nothing; default CIRCUIT_BREAKER_MIN_REQUESTS.'),
  error_rate: share
    .optional()
    .describe('Share of failures, such as 0.5, that opens; 0 = off. Default CIRCUIT_BREAKER_ERROR_RATE.'),
  slow_rate: share.optional().describe('Share of calls slower than slow_seconds that opens; default 0 = off.'),
});

const status = wholeNumber(BOUNDS.failureStatus);

/** The circuit breaker of an upstream; what needs several keys to judge is in breaker-checks.ts. */
export const breakerSchema = section({
  mode: oneOf(BREAKER_MODES)
    .optional()
    .describe('on, off, or shadow: counts and logs what it would do, refuses nothing. Default CIRCUIT_BREAKER.'),
  failure_threshold: wholeNumber(BOUNDS.failureThreshold)
    .optional()
    .describe('Consecutive failures, over all nodes, that open it; default CIRCUIT_BREAKER_FAILURE_THRESHOLD.'),
  reset_timeout_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe('How long it stays open before the first probe; default CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS.'),
  half_open_success_threshold: wholeNumber(BOUNDS.halfOpenSuccesses)
    .optional()
    .describe(
      'Probes that must succeed before it closes, the most under way at once; ' +
        'default CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD.',
    ),
  open_factor: decimal(BOUNDS.openFactor)
    .optional()
    .describe(
      'Each opening after a failed probe lasts this many times the one before; default CIRCUIT_BREAKER_OPEN_FACTOR.',
    ),
  open_cap_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe('No later opening lasts longer; default CIRCUIT_BREAKER_OPEN_CAP_SECONDS.'),
  min_nodes: wholeNumber(BOUNDS.minNodes)
    .optional()
    .describe(
      'Nodes that must have seen failures, if so many live, before it opens for all; default CIRCUIT_BREAKER_MIN_NODES.',
    ),
  window: window.optional().describe('Error rate and slow calls in a sliding window.'),
  slow_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe('A good answer that takes longer is slow; needs window.slow_rate.'),
  failure_statuses: z
    .array(status, 'a list of statuses')
    .optional()
    .describe('Statuses that are failures, of 500 to 599; default 500, 502, 503 and 504. [] = only errors count.'),
  probe: oneOf(BREAKER_PROBES)
    .optional()
    .describe(
      'health: good answers to the probes of health end an opening before its time, and requests then decide; ' +
        'default requests.',
    ),
});

export type BreakerYaml = z.infer<typeof breakerSchema>;
