import { z } from 'zod';
import { clientLimitsAnswer } from './limits.ts';

const reason = z.object({
  route: z.string(),
  code: z.string().describe('What the client reads as `code`.'),
  status: z.number(),
  certain: z.boolean().describe('false: it depends on what the request brings, which `why` says.'),
  why: z.string(),
  todo: z.string().describe('What an operator can do about it.'),
  retryAfterSeconds: z.number().describe('Until the same request passes by itself; 0 = it does not.'),
});
export type RefusalReason = z.infer<typeof reason>;

/** GET /admin/why/{client}: what of the gateway refuses a client, in the order in which its request meets it. */
export const whyAnswer = clientLimitsAnswer.extend({
  known: z.boolean().describe('It has a bucket, an override, refusals or a place on the allow-list.'),
  wouldPass: z.boolean().describe('Nothing refuses it for certain, on any route that was asked about.'),
  consumer: z
    .string()
    .nullable()
    .describe('Who it is, where the client is a consumer; null = an address, or a header says.'),
  address: z
    .string()
    .nullable()
    .describe('Where it comes from, for lists of addresses and bans; null = nobody has said.'),
  reasons: z.array(reason).describe('Of each route, what refuses first comes first.'),
});
export type WhyAnswer = z.infer<typeof whyAnswer>;
