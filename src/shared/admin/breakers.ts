import { z } from 'zod';

export const breakerState = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']);

/** One upstream's breaker as the answering node sees it. */
export const breakerAnswer = z.object({
  upstream: z.string(),
  mode: z.string().describe('on, off or shadow, as configured'),
  state: breakerState,
  scope: z.string().describe('Who decides: cluster, process (Redis is not there) or isolated (only this node fails).'),
  failures: z.number(),
  reason: z.string().describe('Why it is in this state.'),
  openForSeconds: z.number().describe('Until the next probe; 0 unless OPEN.'),
  refused: z.number().describe('Requests this node has refused.'),
  forced: z
    .object({ state: z.enum(['OPEN', 'CLOSED']), remainingSeconds: z.number() })
    .nullable()
    .describe("An operator's override, for the whole cluster."),
});
export type BreakerAnswer = z.infer<typeof breakerAnswer>;

export const breakersAnswer = z.object({
  scope: z.enum(['cluster', 'node']).describe('node: without Redis, or while it cannot be reached.'),
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
