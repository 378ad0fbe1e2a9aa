import { z } from 'zod';
import { breakerAnswer } from './breakers.ts';
import { maintenanceEntry } from './maintenance.ts';
import { NO_OVERLOAD, overloadAnswer } from './overload.ts';
import { nodeVitals } from './vitals.ts';

/** GET /admin/status */
export const statusAnswer = z.object({
  verdict: z.enum(['ok', 'degraded', 'draining']),
  reasons: z.array(z.string()).describe('Why it is not ok; empty when it is.'),
  version: z.string(),
  node: z.string(),
  startedAt: z.iso.datetime(),
  uptimeSeconds: z.number(),
  configVersion: z.number(),
  warnings: z
    .array(z.string())
    .describe('What works but is hardly meant, or weak, in the configuration in use or by the requests that come.'),
  lastReload: z
    .object({ at: z.iso.datetime(), applied: z.boolean(), problems: z.array(z.string()) })
    .nullable()
    .describe('null: none since the start.'),
  port: z.number(),
  front: z
    .enum(['native', 'public', 'uws'])
    .describe("What accepts clients; public: native without Node's own handles."),
  maxConnections: z.number().describe('Open client connections of the process.'),
  liveNodes: z.number(),
  changes: z
    .object({
      token: z
        .enum(['given', 'made', 'none'])
        .describe('made: by the gateway, in its STATE_DIR; none: nobody may change.'),
      reason: z.string().describe('Why there is none; else empty.'),
    })
    .describe('What a change through the admin port needs.'),
  redis: z.object({
    configured: z.boolean(),
    mode: z
      .enum(['standalone', 'sentinel', 'cluster'])
      .nullable()
      .default(null) // a gateway of a version before it does not say
      .describe('null: none is configured.'),
    state: z.enum(['none', 'up', 'down']).describe('down: limits or breakers cannot ask it.'),
    reason: z.string(),
  }),
  threads: z.array(
    z.object({
      slot: z.number(),
      state: z.string(),
      configVersion: z.number(),
      inFlight: z.number(),
      openConnections: z.number(),
      webSockets: z.number().default(0).describe('Open ones and handshakes.'), // a gateway of a version before it does not say
      shedPercent: z
        .number()
        .default(0) // a gateway of a version before it does not say
        .describe('So many of a hundred requests it refuses because it is late (SHED_LOOP_LAG_MILLISECONDS).'),
      lastBeatMsAgo: z.number(),
      loopUtilisation: z.number().describe('0 to 1, since the last question.'),
    }),
  ),
  threadRestarts: z.number(),
  breakers: z.array(breakerAnswer),
  maintenance: z
    .array(maintenanceEntry)
    .default([]) // a gateway of a version before it does not say
    .describe("Routes that refuse all but some clients by an operator's word. The verdict is none the worse for it."),
  overload: overloadAnswer
    .default(NO_OVERLOAD) // a gateway of a version before it does not say
    .describe('What is refused because more comes than can be served. The verdict is none the worse for it.'),
  certificates: z
    .array(
      z.object({
        name: z.string().describe('The first that it is for.'),
        endsAt: z.iso.datetime(),
        leftSeconds: z.number().describe('Below 0: it has ended.'),
      }),
    )
    .default([]) // a gateway of a version before it does not say
    .describe('Certificates for clients.'),
  unreachable: z
    .array(z.object({ upstream: z.string(), target: z.string(), code: z.string(), reason: z.string() }))
    .describe('Targets to which connections did not come about in the last minute, and why.'),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;

/** GET /admin/nodes */
export const nodesAnswer = z.object({
  scope: z.enum(['cluster', 'node']),
  nodes: z.array(
    z.object({
      name: z.string(),
      self: z.boolean(),
      version: z.string(),
      startedAt: z.string(),
      threads: z.number(),
      jobsOnly: z
        .boolean()
        .default(false)
        .describe('JOBS=only: it serves no clients, and is not counted among `liveNodes`.'),
      address: z.string(),
      lastBeatMsAgo: z.number(),
      vitals: nodeVitals.optional().describe('Absent: it does not say, as with ADMIN_UI=off.'),
    }),
  ),
});
export type NodesAnswer = z.infer<typeof nodesAnswer>;

/** GET /admin/traffic: totals since the start of this process; whoever asks twice has rates and percentiles. */
export const trafficAnswer = z.object({
  node: z.string(),
  /** Milliseconds of a clock that only goes forward. */
  atMs: z.number(),
  requests: z.number(),
  errors5xx: z.number(),
  refused429: z.number(),
  inFlight: z.number(),
  openConnections: z.number(),
  bytesReceived: z.number(),
  bytesSent: z.number(),
  duration: z.object({
    edgesSeconds: z.array(z.number()),
    counts: z.array(z.number()).describe('One for each edge and one above the last; not cumulative.'),
  }),
  routes: z.array(z.object({ route: z.string(), requests: z.number(), errors5xx: z.number(), refused429: z.number() })),
  webSockets: z
    .array(
      z.object({
        route: z.string(),
        open: z.number(),
        opened: z.number(),
        messagesReceived: z.number().describe('From clients.'),
        messagesSent: z.number().describe('To clients.'),
        messagesRefused: z.number(),
        bytesReceived: z.number().describe('Payloads of messages, as sent (compressed).'),
        bytesSent: z.number(),
      }),
    )
    .default([]) // a gateway of a version before it does not say
    .describe('Routes that have had one.'),
});
export type TrafficAnswer = z.infer<typeof trafficAnswer>;
