import { z } from 'zod';
import {
  ALL_ROUTES,
  LONGEST_TEXT,
  MAINTENANCE_SECONDS,
  maintenanceText,
  MOST_ALLOWED,
  network,
} from '../maintenance/maintenance.ts';

/** Maintenance that holds now. */
export const maintenanceEntry = z.object({
  route: z.string().describe(`Name of a route; ${ALL_ROUTES} = all routes.`),
  until: z.iso.datetime().describe('When it ends by itself.'),
  remainingSeconds: z.number(),
  text: z.string().describe('What clients are told; empty: what the code means.'),
  allow: z.array(z.string()).describe('Addresses and CIDR blocks that pass.'),
  by: z.string().describe('Who said it, and where.'),
  scope: z.enum(['cluster', 'node']).describe('node: only this one knows it, as it cannot tell Redis.'),
});
export type MaintenanceEntry = z.infer<typeof maintenanceEntry>;

/** GET and POST /admin/maintenance */
export const maintenanceAnswer = z.object({
  scope: z
    .enum(['cluster', 'node'])
    .describe('How far what was said reaches; node: without Redis, or while it cannot be reached.'),
  kept: z.boolean().describe('A restart of this node, or of Redis, does not end it.'),
  maintenance: z.array(maintenanceEntry),
});
export type MaintenanceAnswer = z.infer<typeof maintenanceAnswer>;

const route = z.string('the name of a route').min(1, 'the name of a route').max(64, 'the name of a route');

/** Body of POST /admin/maintenance. */
export const maintenanceChange = z.discriminatedUnion(
  'state',
  [
    z.strictObject({
      state: z.literal('ON'),
      route: route.optional().describe('Name of the route; default: all routes.'),
      for: z
        .int('a whole number of seconds')
        .min(1, 'at least 1 second')
        .max(MAINTENANCE_SECONDS.most, `at most ${MAINTENANCE_SECONDS.most} seconds`)
        .optional()
        .describe(`Seconds; default ${MAINTENANCE_SECONDS.default}.`),
      text: maintenanceText.optional().describe(`What clients are told, in one line of at most ${LONGEST_TEXT}.`),
      allow: z
        .array(network, 'a list of addresses and CIDR blocks')
        .max(MOST_ALLOWED, `at most ${MOST_ALLOWED} of them`)
        .optional()
        .describe('Addresses and CIDR blocks that pass.'),
    }),
    z.strictObject({
      state: z.literal('OFF'),
      route: route.optional().describe('Only of this route; default: all there is.'),
    }),
  ],
  { error: 'ON or OFF' },
);
export type MaintenanceChange = z.infer<typeof maintenanceChange>;
