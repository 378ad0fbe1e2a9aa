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
  /** Client that alone proved the opening; '' = several did, and so it is where versions before it do not say. */
  narrow: z.string().optional(),
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

/** The hash of clients that are banned or exempt is another: read it. */
const overrides = z.object({ type: z.literal('limit-overrides') });

/** The hash of targets that get no new requests is another: read it. */
const drains = z.object({ type: z.literal('target-drains') });

/** The hash of weights that were moved is another: read it. */
const splits = z.object({ type: z.literal('splits') });

/** The buckets of a client were deleted (`reset`) or set: whatever is remembered of them is wrong. */
const client = z.object({ type: z.literal('limit-client'), client: z.string(), reset: z.boolean() });

/** Targets have been probed: the hash of what was found is another. Nodes of a version before it take it for none of ours. */
const health = z.object({
  type: z.literal('health'),
  /** Who wrote it, unique among processes. */
  from: z.string(),
});

/** Some API keys were made, changed or revoked: what is remembered of them is old. */
const apiKeys = z.object({
  type: z.literal('keys-changed'),
  /** SHA-256 in hex; more than an event may name are left out, and the version says that there were some. */
  hashes: z.array(z.string()),
  /** Of the hash before and after; who knows another one reads it whole. */
  before: z.string(),
  after: z.string(),
});

/** The hash of maintenance is another: read it. */
const maintenance = z.object({ type: z.literal('maintenance') });

/** The hash of the configuration's versions is another: look at it. */
const config = z.object({ type: z.literal('config') });

const breakerEvent = z.discriminatedUnion('type', [transition, failures]);
const limitEvent = z.discriminatedUnion('type', [overrides, client]);
const clusterEvent = z.discriminatedUnion('type', [
  breakerEvent,
  limitEvent,
  health,
  drains,
  splits,
  apiKeys,
  maintenance,
  config,
]);

export type BreakerEvent = z.infer<typeof breakerEvent>;
export type ApiKeysEvent = z.infer<typeof apiKeys>;
export type MaintenanceEvent = z.infer<typeof maintenance>;
export type ConfigEvent = z.infer<typeof config>;
export type HealthEvent = z.infer<typeof health>;
export type LimitEvent = z.infer<typeof limitEvent>;
/** What nodes tell each other on `EVENTS_CHANNEL`. */
export type ClusterEvent = z.infer<typeof clusterEvent>;

/** The event in a message of the channel, or undefined for what is not ours or not well formed. */
export const parseClusterEvent = (message: string): ClusterEvent | undefined => parseJson(clusterEvent, message);
