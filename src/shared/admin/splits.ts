import { z } from 'zod';
import { OVERRIDE_SECONDS, overrideSeconds } from './breakers.ts';

const MOST_WEIGHT = 100;
const sideAnswer = z.object({
  upstream: z.string(),
  weight: z.number().describe('Its share of clients beside those of the others, as it is now.'),
  configured: z.number(),
  moved: z
    .object({ remainingSeconds: z.number(), by: z.string().describe('Who said so.') })
    .nullable()
    .describe("An operator's word, for the whole cluster; null: as configured."),
  when: z
    .object({ header: z.string(), equals: z.string() })
    .nullable()
    .describe('Requests that come here whatever the weights.'),
});

const splitAnswer = z.object({ route: z.string(), path: z.string(), sides: z.array(sideAnswer) });
export type SplitAnswer = z.infer<typeof splitAnswer>;

/** GET /admin/splits */
export const splitsAnswer = z.object({ splits: z.array(splitAnswer) });

const WEIGHT_PHRASE = `a whole number from 0 to ${MOST_WEIGHT}, or null`;

/** Body of POST /admin/splits. */
export const splitChange = z.strictObject({
  route: z.string('a route').describe('Its name or its path.'),
  weights: z
    .record(z.string(), z.int(WEIGHT_PHRASE).min(0, WEIGHT_PHRASE).max(MOST_WEIGHT, WEIGHT_PHRASE).nullable())
    .refine((weights) => Object.keys(weights).length > 0, 'at least one weight')
    .describe('New weights by upstream; null: as configured. Sides that are not named stay as they are.'),
  for: overrideSeconds.optional().describe(`Seconds; default and most ${OVERRIDE_SECONDS.most}.`),
});
export type SplitChange = z.infer<typeof splitChange>;

/** The split after an operator's word. */
export const splitChangeAnswer = z.object({
  split: splitAnswer,
  scope: z
    .enum(['cluster', 'node'])
    .describe('Where the word holds: in the cluster, or on this node until Redis has confirmed it.'),
});
