import { z } from 'zod';
import { parseJson } from '../parse-json.ts';

/** A breaker moved. Published by the script in the same step that moved it. */
const transition = z.object({
  type: z.literal('circuit-breaker'),
  upstream: z.string(),
  from: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']),
  to: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']),
  epoch: z.number(),
  reason: z.string(),
  /** Node whose report moved it; empty when a person did. */
  node: z.string(),
  /** Redis's clock, ms since the Unix epoch. */
  time: z.number(),
  failures: z.number(),
  /** How long it will stay open; 0 unless `to` is OPEN. */
  open_for_ms: z.number(),
  /** How much longer an operator forces `to`; 0 = nobody does. Versions before overrides do not say. */
  forced_for_ms: z.number().optional(),
});

/** The pooled count of a CLOSED upstream changed: nodes that see a success must say so while it is above 0. */
const failures = z.object({
  type: z.literal('circuit-breaker-failures'),
  upstream: z.string(),
  failures: z.number(),
  epoch: z.number(),
  node: z.string(),
  time: z.number(),
});

const breakerEvent = z.discriminatedUnion('type', [transition, failures]);

export type BreakerEvent = z.infer<typeof breakerEvent>;

/** The event in a message of the channel, or undefined for what is not ours or not well formed. */
export const parseBreakerEvent = (message: string): BreakerEvent | undefined => parseJson(breakerEvent, message);
