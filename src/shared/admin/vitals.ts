import { z } from 'zod';

/** What a node says of itself to the others, once a second: enough for a line of the operator's page. */
export const nodeVitals = z.object({
  verdict: z.enum(['ok', 'degraded', 'draining']),
  reasons: z.array(z.string().max(300)).max(3).describe('The first ones.'),
  requests: z.number().describe('Per second, as the next two; of the last whole second.'),
  errors5xx: z.number(),
  refused429: z.number(),
  p50: z.number().nullable().describe('Seconds, as the next two; null: there was no request.'),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  inFlight: z.number(),
  openConnections: z.number(),
  threadsServing: z.number(),
  threadRestarts: z.number(),
  loop: z.number().describe("The busiest loop's share of the time, front or thread: 0 to 1."),
  heapBytes: z.number().describe('JavaScript heap of the front and all threads.'),
  configDigest: z.number().describe('Equal where routes, upstreams and limits are.'),
});
export type NodeVitals = z.infer<typeof nodeVitals>;
