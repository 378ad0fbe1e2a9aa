import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import type { Estimate } from './space-saving.ts';

/** Clients that a list names; those of a thread, a node and the cluster alike. */
export const LISTED_CLIENTS = 256;
/** A generation of counts ends after this; a list is of one or two generations. */
export const REFUSED_GENERATION_MS = 300_000;
/** After this nothing of a list counts any more. */
export const REFUSED_WINDOW_MS = 2 * REFUSED_GENERATION_MS;

/** The most refused clients of a thread or a node. Plain data: it crosses threads and lies in Redis. */
export interface RefusedList {
  /** How far back the counts go, milliseconds. */
  readonly windowMs: number;
  /** Most refusals that a client may have had which is not named. */
  readonly floor: number;
  /** The most refused first: client, refusals, and how many of them may be too many. */
  readonly clients: readonly (readonly [client: string, refused: number, overcount: number])[];
}

export const NOTHING_REFUSED: RefusedList = { windowMs: 0, floor: 0, clients: [] };

const count = z.number().min(0);
const listSchema = z.object({
  windowMs: count,
  floor: count,
  clients: z.array(z.tuple([z.string(), count, count])).max(LISTED_CLIENTS),
});

/** The list in a JSON text, or undefined for anything else. */
export const parseRefusedList = (text: string): RefusedList | undefined => parseJson(listSchema, text);

/** What was counted somewhere, whole: estimates and the highest count that anyone else may have. */
export interface Counted {
  readonly estimates: readonly Estimate[];
  readonly floor: number;
}

export const countedOf = ({ clients, floor }: RefusedList): Counted => ({
  floor,
  estimates: clients.map(([client, refused, overcount]) => ({ client, count: refused, error: overcount })),
});

/**
 * One list of several counts, with the guarantees kept (P. K. Agarwal et al.: Mergeable Summaries, PODS 2012): where a
 * client is not named it may have had as much as the floor, so that much is added to its count and to its error.
 */
export function mergeCounts(parts: readonly Counted[], windowMs: number): RefusedList {
  const sums = new Map<string, { count: number; error: number; floors: number }>();
  let floors = 0;
  for (const { estimates, floor } of parts) {
    floors += floor;
    for (const each of estimates) {
      let sum = sums.get(each.client);
      if (sum === undefined) sums.set(each.client, (sum = { count: 0, error: 0, floors: 0 }));
      sum.count += each.count;
      sum.error += each.error;
      sum.floors += floor;
    }
  }
  const all = Array.from(sums, ([client, sum]): [string, number, number] => {
    const missing = floors - sum.floors;
    return [client, sum.count + missing, sum.error + missing];
  });
  all.sort((a, b) => b[1] - a[1] || a[2] - b[2]);
  const firstLeftOut = all[LISTED_CLIENTS]?.[1] ?? 0;
  return { windowMs, floor: Math.max(floors, firstLeftOut), clients: all.slice(0, LISTED_CLIENTS) };
}

/** One list of those of several threads or nodes. */
export const mergeRefused = (lists: readonly RefusedList[]): RefusedList =>
  mergeCounts(
    lists.map(countedOf),
    lists.reduce((longest, { windowMs }) => Math.max(longest, windowMs), 0),
  );
