/*
 * Every name the gateway has in Redis. Operators read and delete them (the runbooks), and nodes of other versions share
 * them: they do not change.
 */

const OURS = 'api-gateway:';

/** Every key of the gateway starts with one of these; in a cluster the queue's keys share a hash tag. */
export const KEY_PREFIXES: readonly string[] = [OURS, '{api-gateway}:'];

/** Channel of every event of the gateway; messages are hints, never the truth. */
export const EVENTS_CHANNEL = `${OURS}events`;

/** Truth of all breakers: a hash that a person can read (`HGETALL`) and reset (`DEL`). */
export const BREAKER_KEY = `${OURS}circuit-breaker`;

/** Hash of what probes have found of each target of an upstream; deleting it makes every target as good as new. */
export const HEALTH_KEY = `${OURS}health`;

/** Hash with one field for each client that is banned or exempt, and one for its version; deleting it lifts all. */
export const OVERRIDES_KEY = `${OURS}limit-overrides`;

/** The same of targets that get no new requests, by upstream and target; deleting it takes all back. */
export const TARGET_DRAINS_KEY = `${OURS}target-drains`;

/** The same of weights that were moved, by route and upstream. */
export const SPLITS_KEY = `${OURS}splits`;

/** Hash of all API keys, by the SHA-256 of each, and one field for its version; where that is missing it was lost. */
export const API_KEYS_KEY = `${OURS}api-keys`;

/** Hash of what operators have said of routes, or of all, that are under maintenance; every node puts back what it lacks. */
export const MAINTENANCE_KEY = `${OURS}maintenance`;

/**
 * Hash of the versions of the configuration: `current` (number and the first of its signature), `v:<number>`, and what nodes
 * agree by: `proposal`, `vote:<node>`, `node:<node>`. Deleting it loses nothing: every node puts back what it lacks.
 */
export const CONFIG_VERSIONS_KEY = `${OURS}config:versions`;

/** Sorted set of the nodes by the time they last beat, by Redis's clock. */
export const NODES_KEY = `${OURS}nodes`;

/** The same of those with JOBS=only: they are listed, and share no limits, so they are not counted. */
export const JOB_NODES_KEY = `${OURS}nodes:jobs`;

/** What a node says about itself. */
export const nodeKey = (node: string): string => `${OURS}node:${node}`;

/** What nodes have counted in the last hour, for the page's charts: one hash slot, since one script writes both. */
const HISTORY_PREFIX = `${OURS}{history}`;

/** Sorted set of the nodes that have counted something, by when they last said so. */
export const HISTORIES_KEY = `${HISTORY_PREFIX}:nodes`;

/** Hash of what a node has counted: `<seconds of a step>:<place>`, and `now`. */
export const historyKey = (node: string): string => `${HISTORY_PREFIX}:node:${node}`;

/** Clients that a node refuses most. */
export const refusedKey = (node: string): string => `${OURS}refused:${node}`;

/** In front of everything of the jobs: one hash slot, since their scripts use many keys. */
export const JOBS_PREFIX = `${OURS}{jobs}`;

/** Hash of what came of each job lately. */
export const JOB_STANDINGS_KEY = `${JOBS_PREFIX}:standings`;

export const BUCKET_PREFIX = `${OURS}rate-limit:`;

/** Builds the key of one bucket. */
export type KeyOf = (client: string, keySuffix: string) => string;

/** `api-gateway:rate-limit:<client>`, with `:<rule>` for named rules: what operators read and delete. */
export const plainBucketKey: KeyOf = (client, keySuffix) => BUCKET_PREFIX + client + keySuffix;

/**
 * The same with the client as Redis Cluster's hash tag, `api-gateway:rate-limit:{<client>}:<rule>`: all buckets of a
 * client lie in one slot, which the all-or-nothing script over several rules needs.
 */
export const clusterBucketKey: KeyOf = (client, keySuffix) => `${BUCKET_PREFIX}{${client}}${keySuffix}`;

const BEHIND_PREFIX = /^(?:\{(?<tagged>[^}]*)\}|(?<network>[^/]*\/\d+)|(?<plain>[^:]*))(?::[^:]*)?$/;

/** The client of a bucket. Only the names of IPv6 networks hold colons, and they end in the length of their prefix. */
export function clientOfBucketKey(key: string): string {
  if (!key.startsWith(BUCKET_PREFIX)) return key;
  const { tagged, network, plain } = BEHIND_PREFIX.exec(key.slice(BUCKET_PREFIX.length))?.groups ?? {};
  return tagged ?? network ?? plain ?? key;
}
