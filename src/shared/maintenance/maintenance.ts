import { z } from 'zod';
import { parseNetwork } from '../config/addresses.ts';

/** Stands for all routes; no route can have that name. */
export const ALL_ROUTES = '*';

/** Seconds that maintenance lasts unless it says otherwise, and at most. */
export const MAINTENANCE_SECONDS = { default: 1_800, most: 7 * 86_400 } as const;
/** Characters of what clients are told, and entries of the list of addresses that pass. */
export const LONGEST_TEXT = 500;
export const MOST_ALLOWED = 100;

/** Control characters, and what some readers take for the end of a line. */
// oxlint-disable-next-line no-control-regex -- these are the characters it is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** What clients are told. */
export const maintenanceText = z
  .string('a text')
  .min(1, 'a text that is not empty')
  .max(LONGEST_TEXT, `at most ${LONGEST_TEXT} characters`)
  .refine((text) => !UNPRINTABLE.test(text), 'a text in one line, without control characters');

/** An address or a CIDR block. */
export const network = z.string('an address or CIDR block').refine((text) => parseNetwork(text).ok, {
  error: 'an address or CIDR block such as 10.0.0.0/8 or ::1',
});

/** What an operator has said of a route, or of all. What ends maintenance is one too: who missed it hears of it later. */
export const maintenanceRecord = z.object({
  /** Of two records about the same route the one with the higher rank holds. */
  rank: z.int().min(1),
  on: z.boolean(),
  /** '' = none: clients are told what the code means. */
  text: z.union([z.literal(''), maintenanceText]),
  /** Addresses and CIDR blocks that pass. */
  allow: z.array(network).max(MOST_ALLOWED),
  /** Who said it. */
  by: z.string().max(1_000),
});
export type MaintenanceRecord = z.infer<typeof maintenanceRecord>;

/** Maintenance as the threads get it. */
export interface ThreadMaintenance {
  /** Name of a route, or ALL_ROUTES. */
  readonly route: string;
  /** When it ends, by createProcessClock(). */
  readonly untilMs: number;
  readonly text: string;
  readonly allow: readonly string[];
}

/** To a thread: all there is, in place of what was before. Answered. */
export interface ToMaintenanceThread {
  readonly type: 'maintenance';
  readonly entries: readonly ThreadMaintenance[];
  readonly id: number;
}

/** Of a thread: what was said under this number holds. */
export interface FromMaintenanceThread {
  readonly type: 'maintenance-done';
  readonly id: number;
}
