import * as z from 'zod';
import { BOUNDS, seconds, wholeNumber } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import { oneOf } from '../parsers.ts';
import { BALANCE_PHRASE, parseBalance } from './balance.ts';
import { parseTarget, TARGET_PHRASE } from '../upstreams/target-url.ts';
import { EJECTION_MODES, RESOLVE_MODES } from '../words.ts';
import { section } from '../yaml-fields.ts';

/** What a target is ejected by where nobody says otherwise. */
export const EJECTION_DEFAULTS = { consecutive: 5, seconds: 10, max_percent: 50 } as const;

export const targetUrl = textLike(parseTarget, TARGET_PHRASE);

/** One of several targets: its URL, alone or with what holds for it. */
export const targetSchema = z.union(
  [
    targetUrl,
    section({
      url: targetUrl.describe('http or https URL, whose path is put before forwarded paths.'),
      weight: wholeNumber(BOUNDS.weight)
        .optional()
        .describe('Share of requests beside those of the others; 0 = no new ones. Default 1.'),
    }),
  ],
  { error: `${TARGET_PHRASE}, or a mapping with url and weight` },
);

export const resolveMode = oneOf(RESOLVE_MODES)
  .optional()
  .describe(
    'all: every address of a name is a target of its own, looked up again every DNS_REFRESH_SECONDS; default first: a name ' +
      'is one target, and each connection goes to the next of its addresses.',
  );

export const balanceSchema = section({
  by: textLike(parseBalance, BALANCE_PHRASE).describe(
    'What keeps requests on one target: consumer, ip, header:NAME or cookie:NAME; default p2c: nothing, the less loaded of two.',
  ),
});

export const slowStart = seconds(BOUNDS.slowStartSeconds, 'at once')
  .optional()
  .describe(
    'A target that is new among others, or back after it was down or ejected, comes to its full share in this time; default 0.',
  );

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

export type TargetYaml = z.infer<typeof targetSchema>;
export type EjectionYaml = z.infer<typeof ejectionSchema>;
