import { z } from 'zod';
import { OVERRIDE_SECONDS, overrideSeconds } from './breakers.ts';

const targetAnswer = z.object({
  upstream: z.string(),
  target: z.string().describe('Its origin, and the path that is put before every forwarded one.'),
  state: z
    .enum(['up', 'down', 'unknown', 'unprobed'])
    .describe('unknown: no probe of it has ended yet, and it is used; unprobed: its upstream has no `health`.'),
  weight: z
    .number()
    .default(1) // a gateway of a version before it does not say
    .describe('Its share of requests beside those of the others; 0 = no new ones.'),
  used: z.boolean().describe('This node sends requests to it.'),
  why: z
    .string()
    .describe(
      'Why it is down or ejected, why it is used all the same, or what the last probe found; empty: nothing is wrong.',
    ),
  inARow: z.number().describe('Probes like the last one in a row: good, or failed.'),
  since: z.iso.datetime().nullable().describe('Since when it is up, or down.'),
  checkedSecondsAgo: z.number().nullable(),
  ownSuccessSecondsAgo: z
    .number()
    .nullable()
    .describe('When a request of this node last had a good answer of it; only known of targets that are probed.'),
  scope: z
    .enum(['cluster', 'node'])
    .describe('Who probed: one node for the cluster, or this node for itself, as nobody else does.'),
  by: z.string().describe('The node that probed last; empty: none.'),
  ejected: z
    .object({
      forSeconds: z.number().describe('Until a request tries it; 0: the next one does, or one is under way.'),
      times: z.number().describe('How often in short order.'),
      oneClient: z.boolean().describe('One client alone has proved it: a request of any other tries it at once.'),
    })
    .nullable()
    .default(null) // a gateway of a version before it does not say
    .describe('This node has left it out because it kept failing.'),
  drained: z
    .object({ remainingSeconds: z.number(), by: z.string().describe('Who said so.') })
    .nullable()
    .default(null) // a gateway of a version before it does not say
    .describe("An operator's word, for the whole cluster: it gets no new requests."),
});
export type TargetAnswer = z.infer<typeof targetAnswer>;

/** GET /admin/targets */
export const targetsAnswer = z.object({
  targets: z.array(targetAnswer),
  panic: z.array(z.string()).describe('Upstreams of whose targets fewer than half are left, so that all are used.'),
});
export type TargetsAnswer = z.infer<typeof targetsAnswer>;

/** Body of POST /admin/targets/{upstream}. */
export const targetChange = z
  .strictObject({
    target: z.string('a target').describe('As GET /admin/targets calls it.'),
    state: z.enum(['DRAINED', 'AUTO'], 'DRAINED or AUTO'),
    for: overrideSeconds.optional().describe(`Seconds; default ${OVERRIDE_SECONDS.default}. AUTO takes none.`),
  })
  .refine((body) => body.state !== 'AUTO' || body.for === undefined, { path: ['for'], error: 'no time with AUTO' });
export type TargetChange = z.infer<typeof targetChange>;

/** The target after an operator's word. */
export const targetChangeAnswer = z.object({
  target: targetAnswer,
  scope: z
    .enum(['cluster', 'node'])
    .describe('Where the word holds: in the cluster, or on this node until Redis has confirmed it.'),
});
