import * as z from 'zod';
import { BOUNDS, decimal, seconds, wholeNumber } from '../numbers.ts';
import { flag, listOf, section } from '../yaml-fields.ts';

export const RETRIES_DEFAULTS = { on: ['connect_failure', 'reset', 502, 503, 504] } as const;
export const BUDGET_DEFAULTS = { min_per_second: 1, window_seconds: 10 } as const;

const ON_PHRASE = 'connect_failure, reset, or a status from 500 to 599';
const cause = z.union(
  [
    z.enum(['connect_failure', 'reset'], { error: ON_PHRASE }),
    z.int(ON_PHRASE).min(BOUNDS.failureStatus.min, ON_PHRASE).max(BOUNDS.failureStatus.max, ON_PHRASE),
  ],
  { error: ON_PHRASE },
);

/** When a request of a route is sent once more. */
export const retriesSchema = section({
  attempts: wholeNumber(BOUNDS.retries)
    .optional()
    .describe('Repeats of a request, beyond the first attempt, at most; default RETRIES.'),
  on: listOf(cause, 'a list of one or more causes')
    .optional()
    .describe(`What is repeated: ${ON_PHRASE}; default [${RETRIES_DEFAULTS.on.join(', ')}].`),
  per_try_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe(
      'An attempt that may be repeated is given up after so long without the header of an answer; default not before ' +
        'response_headers_seconds, which is final.',
    ),
  idempotent: flag
    .optional()
    .describe(
      'Repeat requests of all methods, POST and PATCH too: the upstream takes one that comes twice as one. Default false.',
    ),
});

/** How many repeats an upstream is offered. */
export const retryBudgetSchema = section({
  percent: wholeNumber(BOUNDS.percent)
    .optional()
    .describe('Repeats among a hundred first attempts of the window, at most; default RETRY_BUDGET_PERCENT.'),
  min_per_second: decimal(BOUNDS.retriesPerSecond)
    .optional()
    .describe(
      `Repeats a second of a node that are allowed where the share is less; default ${BUDGET_DEFAULTS.min_per_second}.`,
    ),
  window_seconds: seconds(BOUNDS.retryWindow)
    .optional()
    .describe(`Length of the window; default ${BUDGET_DEFAULTS.window_seconds}.`),
});

export type RetriesYaml = z.infer<typeof retriesSchema>;
export type RetryBudgetYaml = z.infer<typeof retryBudgetSchema>;
