import type * as z from 'zod';
import { BOUNDS, seconds, wholeNumber } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { EJECTION_MODES } from '../words.ts';
import { section } from '../yaml-fields.ts';

/** What a target is ejected by where nobody says otherwise. */
export const EJECTION_DEFAULTS = { consecutive: 5, seconds: 10, max_percent: 50 } as const;

/** When one target of an upstream gets no requests for a while. */
export const ejectionSchema = section({
  mode: oneOf(EJECTION_MODES)
    .optional()
    .describe('on, off, or shadow: counts and logs what it would do. Default TARGET_EJECTION.'),
  consecutive: wholeNumber(BOUNDS.ejectConsecutive)
    .optional()
    .describe(
      `So many failures in a row (no connection, reset, time-out, 502 to 504) eject a target; default ${EJECTION_DEFAULTS.consecutive}.`,
    ),
  seconds: seconds(BOUNDS.ejectSeconds)
    .optional()
    .describe(
      `How long the first ejection lasts; the n-th of a target n times as long, at most 300 s. Default ${EJECTION_DEFAULTS.seconds}.`,
    ),
  max_percent: wholeNumber(BOUNDS.percent)
    .optional()
    .describe(
      `Most targets that are ejected at a time, rounded down; of two it may be one, and the last never is. Default ${EJECTION_DEFAULTS.max_percent}.`,
    ),
});

export type EjectionYaml = z.infer<typeof ejectionSchema>;
