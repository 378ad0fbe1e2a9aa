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
export const drainAnswer = z.object({
  draining: z.literal(true),
  delaySeconds: z
    .number()
    .default(0) // a gateway of a version before it does not say
    .describe('New connections are still served for this long.'),
  deadlineSeconds: z.number().describe('From now on.'),
});

/** GET /health of the admin port, as of the port for clients. */
export const healthAnswer = z.object({ status: z.enum(['ok', 'degraded']), reasons: z.array(z.string()).optional() });

/** GET /ready of the admin port, as of the port for clients. */
export const readyAnswer = z.object({ status: z.literal('ready') });

/** Kinds of GET /admin/events. */
export const EVENT_TYPES = [
  'breaker',
  'limits-store',
  'breaker-store',
  'thread',
  'reload',
  'config',
  'drain',
  'nodes',
  'override',
  'log-level',
  'accepting',
  'job',
  'health',
  'identity',
  'keys',
  'maintenance',
  'websockets',
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
