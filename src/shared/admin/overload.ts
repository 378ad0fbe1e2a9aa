import { z } from 'zod';

const count = z.number();

/** What of a node's requests is refused because more comes than can be served, and what is near to that. */
export const overloadAnswer = z.object({
  shed: z
    .object({
      upstream: count.describe('The upstream had no room: 503 upstream_overloaded or upstream_queue_full.'),
      client: count.describe('Too many of one client: 429 too_many_in_flight.'),
      loop: count.describe('The request thread was late: 503 gateway_overloaded.'),
      connections: count.describe('New connections of one address beyond CONNECTION_RATE_PER_IP.'),
    })
    .describe('Refused by this node in the last minute, and why.'),
  upstreams: z
    .array(
      z.object({
        upstream: z.string(),
        max: count.describe('Requests of this node that may be under way there (`concurrency.max`).'),
        inFlight: count.describe('Those that are, over all request threads.'),
        waiting: count.describe('Requests that wait for a place.'),
      }),
    )
    .describe('Upstreams that have a limit.'),
});
export type OverloadAnswer = z.infer<typeof overloadAnswer>;

/** Nothing was refused, and no upstream has a limit. */
export const NO_OVERLOAD: OverloadAnswer = {
  shed: { upstream: 0, client: 0, loop: 0, connections: 0 },
  upstreams: [],
};
