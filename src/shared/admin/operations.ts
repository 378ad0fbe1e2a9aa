import { z } from 'zod';

/** GET and PUT /admin/log-level */
export const logLevel = z.strictObject({
  level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'a level of the log'),
});
export type LogLevelBody = z.infer<typeof logLevel>;

/** POST /admin/reload */
export const reloadAnswer = z.object({
  version: z.number(),
  needsRestart: z.array(z.string()),
  complete: z.boolean().describe('false: a thread has not confirmed it in time.'),
  redisRefuses: z
    .string()
    .default('') // a gateway of a version before it does not say
    .describe('Why Redis does not take a new password or new certificates; empty: it does, or there are none.'),
});

/** POST /admin/drain: the process ends when what is in flight is done, or at the deadline. */
export const drainAnswer = z.object({ draining: z.literal(true), deadlineSeconds: z.number() });

/** Kinds of GET /admin/events. */
export const EVENT_TYPES = [
  'breaker',
  'limits-store',
  'breaker-store',
  'thread',
  'reload',
  'drain',
  'nodes',
  'override',
  'log-level',
  'accepting',
  'job',
  'health',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** The data of one server-sent event; its `id` is the event's id, its `event` the type. */
export const gatewayEvent = z.object({
  id: z.number(),
  at: z.iso.datetime(),
  type: z.enum(EVENT_TYPES),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export type GatewayEvent = z.infer<typeof gatewayEvent>;

/** RFC 9457, as every refusal of the admin port. */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string(),
});
