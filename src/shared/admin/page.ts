import { z } from 'zod';
import { BACKUP_KINDS } from '../backups/manifest.ts';
import { breakersAnswer } from './breakers.ts';
import { jobsAnswer } from './jobs.ts';
import { overridesAnswer, topRefusedAnswer } from './limits.ts';
import { nodesAnswer, statusAnswer } from './status.ts';
import { targetsAnswer } from './targets.ts';

const time = z.iso.datetime();

/** Minutes that the charts can show, and the seconds of one of their steps. */
export const CHART_STEPS = { 1: 1, 15: 5, 60: 20 } as const;
export type ChartMinutes = keyof typeof CHART_STEPS;

const pageProblem = z.object({
  text: z.string(),
  severity: z.enum(['bad', 'warn']),
  node: z.string().describe('Which says so.'),
  since: time.nullable().describe('Since when this node knows of it; null: another node says it.'),
  section: z.string().describe('Of the runbook; empty: none is about it.'),
  command: z.string().describe('Says the same in a terminal.'),
});
export type PageProblem = z.infer<typeof pageProblem>;

/** Of an upstream; rates are per second. */
const upstreamRates = z.object({
  upstream: z.string(),
  requests: z.number().describe('Per second, as the next two.'),
  retries: z.number(),
  connectFailures: z.number(),
  busy: z.number().describe('Connections in use.'),
  idle: z.number(),
  queued: z.number(),
});
export type UpstreamRates = z.infer<typeof upstreamRates>;

/** WebSockets of a route; all but `open` since the start of each process. */
const routeSockets = z.object({
  route: z.string(),
  open: z.number(),
  opened: z.number(),
  closed: z
    .array(z.object({ by: z.string(), code: z.string(), count: z.number() }))
    .describe('Who ended them, and with what code; 1005: a close frame without one, 1006: without a close frame.'),
  messagesReceived: z.number().describe('From clients.'),
  messagesSent: z.number().describe('To clients.'),
  messagesRefused: z.number(),
  bytesReceived: z.number(),
  bytesSent: z.number(),
});
export type RouteSockets = z.infer<typeof routeSockets>;

/** What a node says to the others of its upstreams and WebSockets, every few seconds. */
export const nodeStanding = z.object({
  /** Seconds of the Unix epoch. */
  at: z.number(),
  upstreams: z.array(upstreamRates),
  webSockets: z.array(routeSockets),
});
export type NodeStanding = z.infer<typeof nodeStanding>;

const series = z.array(z.number().nullable());

/** GET /admin/page: all that the operator's page shows, in one answer. */
export const pageAnswer = z.object({
  ui: z.object({
    mode: z.enum(['on', 'read-only']),
    session: z.enum(['none', 'stale', 'valid']),
  }),
  at: time,
  node: z.string(),
  problems: z.array(pageProblem).describe('The worst and oldest first; empty: all is well.'),
  okSince: time.nullable().describe('Since when there has been no problem.'),
  status: statusAnswer,
  breakers: breakersAnswer,
  breakerSince: z.record(z.string(), time).describe('Since when each is in its state, as far as this process knows.'),
  upstreams: z.array(upstreamRates).describe('Of all nodes in `summed`.'),
  webSockets: z.array(routeSockets).describe('Of all nodes in `summed`; routes that have had one.'),
  summed: z.array(z.string()).describe('Nodes whose upstreams and WebSockets are counted here.'),
  targets: targetsAnswer,
  refused: topRefusedAnswer.nullable(),
  overrides: overridesAnswer,
  nodes: nodesAnswer,
  jobs: jobsAnswer,
  backups: z.array(
    z.object({
      kind: z.enum(BACKUP_KINDS),
      madeAt: time,
      verifiedAt: time.nullable(),
      unverified: z.string().describe('Why the newest is only stored; empty: it is verified.'),
      bytes: z.number(),
    }),
  ),
  redis: z.object({
    connections: z.array(z.object({ purpose: z.string(), up: z.boolean() })),
    servers: z.array(
      z.object({
        node: z.string(),
        up: z.boolean(),
        usedBytes: z.number().nullable(),
        maxBytes: z.number().nullable(),
        answerMs: z.number().nullable().describe('How long it took to answer.'),
      }),
    ),
  }),
  memory: z.object({
    frontHeapBytes: z.number(),
    rssBytes: z.number(),
    frontLoop: z.number(),
    threads: z.array(z.object({ slot: z.number(), heapBytes: z.number() })),
  }),
  history: z.object({
    scope: z
      .enum(['cluster', 'node'])
      .describe('cluster: all nodes, or the one that was asked for; node: this one alone.'),
    of: z.string().nullable().describe('The node that was asked for; null: all.'),
    nodes: z.array(z.string()).describe('Nodes that have counted something in the last hour.'),
    reason: z.string().describe('Why other nodes are not in it; empty: they are, or there are none.'),
    minutes: z.number(),
    stepSeconds: z.number(),
    endAt: time.describe('Of the last step.'),
    requests: series,
    errors5xx: series,
    refused429: series,
    p50: series,
    p95: series,
    p99: series,
    inFlight: series,
    connections: series,
    bytesReceived: series,
    bytesSent: series,
    loop: series,
    sockets: series,
  }),
});
export type PageAnswer = z.infer<typeof pageAnswer>;
