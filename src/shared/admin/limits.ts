import { z } from 'zod';
import { OVERRIDE_SECONDS, overrideSeconds } from './breakers.ts';

/** GET /admin/limits/top */
export const topRefusedAnswer = z.object({
  scope: z.enum(['cluster', 'node']).describe('node: without Redis, or while it cannot be reached.'),
  nodes: z.number().describe('Nodes whose refusals are in the list.'),
  windowSeconds: z.number().describe('The counts are of about so many seconds.'),
  clients: z.array(
    z.object({
      client: z.string(),
      refused: z.number().describe('Refusals, at most `overcount` too many.'),
      overcount: z.number().describe('0 = exact.'),
    }),
  ),
});
export type TopRefusedAnswer = z.infer<typeof topRefusedAnswer>;

const clientOverride = z.object({
  state: z.enum(['BANNED', 'EXEMPT']),
  remainingSeconds: z.number(),
});

/** GET /admin/limits */
export const overridesAnswer = z.object({
  overrides: z.array(
    z.object({
      client: z.string().describe('The name of its buckets.'),
      state: z.enum(['BANNED', 'EXEMPT']),
      remainingSeconds: z.number(),
      by: z.string().describe('Who said it, and where.'),
      scope: z.enum(['cluster', 'node']).describe('node: only this one knows it, as it cannot tell Redis.'),
    }),
  ),
  allowlist: z.array(z.string()).describe('RATE_LIMIT_ALLOWLIST: never limited; *** is a key.'),
});
export type OverridesAnswer = z.infer<typeof overridesAnswer>;

/** GET /admin/limits/{client} */
export const clientLimitsAnswer = z.object({
  client: z.string().describe('The name of its buckets.'),
  scope: z.enum(['cluster', 'node']),
  allowlisted: z.boolean().describe('RATE_LIMIT_ALLOWLIST has it: never limited.'),
  profile: z
    .object({
      name: z.string(),
      from: z
        .enum(['configuration', 'buckets', 'issuer'])
        .describe('What says so: buckets are those of this profile; issuer: it has that where its token says none.'),
    })
    .nullable()
    .describe('Of a consumer; null = none.'),
  override: clientOverride.nullable(),
  buckets: z.array(
    z.object({
      rule: z.string().describe('`default` for the unnamed rule.'),
      exists: z.boolean().describe('false: no bucket yet, so it is full.'),
      tokens: z.number(),
      capacity: z.number(),
      refillPerSecond: z.number(),
      fullInSeconds: z.number(),
    }),
  ),
  routes: z.array(
    z.object({
      route: z.string(),
      rules: z.array(z.string()),
      cost: z.number(),
      wouldPass: z.boolean(),
      refusedBy: z.string().nullable().describe('The rule that refuses, `ban`, or null.'),
      retryAfterSeconds: z.number().describe('Until the same request passes; 0 = now.'),
      shadow: z.boolean().describe('Refusals are only counted.'),
    }),
  ),
});
export type ClientLimitsAnswer = z.infer<typeof clientLimitsAnswer>;

/** DELETE /admin/limits/{client} */
export const limitsResetAnswer = z.object({
  client: z.string(),
  scope: z.enum(['cluster', 'node']),
  deletedBuckets: z.number(),
});

/** Body of POST /admin/limits/{client}: either tokens, or a state for a time. */
export const clientLimitsChange = z.union([
  z.strictObject({
    tokens: z.number('a number').min(0, 'at least 0').describe('Level to set; never above the capacity.'),
    rule: z.string().optional().describe('Which bucket; default: all of the client.'),
  }),
  z.strictObject({
    state: z.enum(['BANNED', 'EXEMPT', 'AUTO'], 'BANNED, EXEMPT or AUTO'),
    for: overrideSeconds.optional().describe(`Seconds; default ${OVERRIDE_SECONDS.default}. AUTO takes none.`),
  }),
]);
export type ClientLimitsChange = z.infer<typeof clientLimitsChange>;
