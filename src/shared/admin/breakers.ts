import { z } from 'zod';

export const breakerState = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']);

/** How far something reaches: all nodes that share the Redis, or the node that answers. */
const reach = z.enum(['cluster', 'node']);

/** One upstream's breaker as the answering node sees it. */
export const breakerAnswer = z.object({
  upstream: z.string(),
  mode: z.enum(['on', 'off', 'shadow']).describe('As configured.'),
  state: breakerState,
  oneClient: z.boolean().describe('Not CLOSED for the sake of one client only: all others pass.'),
  scope: z
    .enum([...reach.options, 'isolated'])
    .describe('Who decides: the cluster, this node (Redis is not there), or this node alone because only it fails.'),
  failures: z.number(),
  reason: z.string().describe('Why it is in this state.'),
  openForSeconds: z.number().describe('Until the next probe; 0 unless OPEN.'),
  refused: z.number().describe('Requests this node has refused.'),
  quiet: z.boolean().describe('HALF_OPEN, and nobody was refused since: it waits for a request.'),
  forced: z
    .object({ state: z.enum(['OPEN', 'CLOSED']), remainingSeconds: z.number() })
    .nullable()
    .describe("An operator's override, for the whole cluster."),
});
export type BreakerAnswer = z.infer<typeof breakerAnswer>;

/** The same after an operator's word. */
export const breakerChangeAnswer = breakerAnswer.extend({
  scope: reach.describe('Where the word holds: in the cluster, or on this node until Redis has confirmed it.'),
});

export const breakersAnswer = z.object({
  scope: reach.describe('node: without Redis, or while it cannot be reached.'),
  breakers: z.array(breakerAnswer),
});
export type BreakersAnswer = z.infer<typeof breakersAnswer>;

/** Seconds an override lasts unless it says otherwise, and at most. */
export const OVERRIDE_SECONDS = { default: 300, most: 86_400 } as const;

/** How long an override of an operator lasts. */
export const overrideSeconds = z
  .int('a whole number of seconds')
  .min(1, 'at least 1 second')
  .max(OVERRIDE_SECONDS.most, `at most ${OVERRIDE_SECONDS.most} seconds`);

/** Body of POST /admin/breakers/{upstream}. */
export const breakerChange = z
  .strictObject({
    state: z.enum(['OPEN', 'CLOSED', 'AUTO'], 'OPEN, CLOSED or AUTO'),
    for: overrideSeconds.optional().describe(`Seconds; default ${OVERRIDE_SECONDS.default}. AUTO takes none.`),
  })
  .refine((body) => body.state !== 'AUTO' || body.for === undefined, { path: ['for'], error: 'no time with AUTO' });
export type BreakerOverride = z.infer<typeof breakerChange>;
