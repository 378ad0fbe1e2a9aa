import * as z from 'zod';
import { BOUNDS, seconds, wholeNumber } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import { section } from '../yaml-fields.ts';
import { HEALTH_PATH_PHRASE, parseHealthPath } from './path.ts';
import { parseStatusRange, STATUS_PHRASE } from './statuses.ts';

/** What a probe goes by where nobody says otherwise. */
export const HEALTH_DEFAULTS = {
  interval_seconds: 5,
  timeout_seconds: 2,
  healthy: 2,
  unhealthy: 3,
  statuses: ['200-399'],
} as const;

const status = z.union(
  [z.int(STATUS_PHRASE).min(200, STATUS_PHRASE).max(599, STATUS_PHRASE), textLike(parseStatusRange, STATUS_PHRASE)],
  {
    error: STATUS_PHRASE,
  },
);

/** The probes of an upstream's targets; what needs several keys to judge is in checks.ts. */
export const healthSchema = section({
  path: textLike(parseHealthPath, HEALTH_PATH_PHRASE).describe(
    'What each target is asked for with GET, behind the path of its URL; may have a query.',
  ),
  interval_seconds: seconds(BOUNDS.healthInterval)
    .optional()
    .describe(`Between two probes of a target, for the whole cluster; default ${HEALTH_DEFAULTS.interval_seconds}.`),
  timeout_seconds: seconds(BOUNDS.healthTimeout)
    .optional()
    .describe(
      `For one probe, from the look-up of the name to the end of the answer; at most interval_seconds. Default ${HEALTH_DEFAULTS.timeout_seconds}, or the interval where that is shorter.`,
    ),
  healthy: wholeNumber(BOUNDS.healthInARow)
    .optional()
    .describe(`So many good answers in a row bring a target back; default ${HEALTH_DEFAULTS.healthy}.`),
  unhealthy: wholeNumber(BOUNDS.healthInARow)
    .optional()
    .describe(`So many failures in a row take a target out; default ${HEALTH_DEFAULTS.unhealthy}.`),
  statuses: z
    .array(status, 'a list of statuses and ranges')
    .min(1, 'at least one status')
    .optional()
    .describe(`Statuses of a good answer, such as [200, 300-399]; default [${HEALTH_DEFAULTS.statuses.join(', ')}].`),
});

export type HealthYaml = z.infer<typeof healthSchema>;
