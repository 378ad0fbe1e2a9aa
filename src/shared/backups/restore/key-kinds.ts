import {
  BREAKER_KEY,
  BUCKET_PREFIX,
  KEY_PREFIXES,
  JOB_NODES_KEY,
  NODES_KEY,
  nodeKey,
  OVERRIDES_KEY,
  refusedKey,
  SPLITS_KEY,
  TARGET_DRAINS_KEY,
} from '../../redis/keys.ts';

/** When keys of a kind are put back: by default, with `--buckets`, with `--all`, or never, since others make them anew. */
export type RestoreWhen = 'default' | 'buckets' | 'all' | 'never';

export interface KeyKind {
  /** For people, in the plural. */
  readonly name: string;
  readonly when: RestoreWhen;
  /** Why not by default; '' where it is by default. */
  readonly why: string;
}

const BANS: KeyKind = { name: 'bans and exemptions of clients', when: 'default', why: '' };
const DRAINS: KeyKind = { name: 'drained targets', when: 'default', why: '' };
const SPLITS: KeyKind = { name: 'moved weights of splits', when: 'default', why: '' };
const BREAKERS: KeyKind = { name: 'circuit breakers and holds', when: 'default', why: '' };
/**
 * A bucket is full again after capacity / refill rate seconds, so those of a backup are about a moment that is over. Without
 * them each client starts full: over what it had, that is one capacity more, once.
 */
const BUCKETS: KeyKind = {
  name: 'buckets of clients',
  when: 'buckets',
  why: 'each client starts full, one capacity more at most, once; --buckets puts them back',
};
const API_KEYS: KeyKind = { name: 'API keys', when: 'all', why: 'those of now may be newer; --all puts them back' };
const CONFIGURATION: KeyKind = {
  name: 'configuration in Redis',
  when: 'all',
  why: 'that of now may be newer; --all puts it back',
};
const QUEUE: KeyKind = {
  name: 'queue of jobs',
  when: 'never',
  why: 'its schedules are made anew within a minute, and runs of then would run again',
};
const NODES: KeyKind = {
  name: 'lists of nodes',
  when: 'never',
  why: 'each node says every few seconds that it is there',
};
const HEALTH: KeyKind = { name: 'results of health probes', when: 'never', why: 'the next probe makes them anew' };
const OTHERS: KeyKind = {
  name: 'others of the gateway',
  when: 'all',
  why: 'this version does not know them; --all puts them back',
};

const OURS = KEY_PREFIXES[0] ?? '';
const EXACT: ReadonlyMap<string, KeyKind> = new Map([
  [OVERRIDES_KEY, BANS],
  [TARGET_DRAINS_KEY, DRAINS],
  [SPLITS_KEY, SPLITS],
  [BREAKER_KEY, BREAKERS],
  [NODES_KEY, NODES],
  [JOB_NODES_KEY, NODES],
  [`${OURS}api-keys`, API_KEYS],
  [`${OURS}health`, HEALTH],
]);
const BY_PREFIX: readonly (readonly [string, KeyKind])[] = [
  [BUCKET_PREFIX, BUCKETS],
  [`${OURS}{jobs}`, QUEUE],
  ...KEY_PREFIXES.slice(1).map((prefix) => [prefix, QUEUE] as const),
  [nodeKey(''), NODES],
  [refusedKey(''), NODES],
  [`${OURS}config:`, CONFIGURATION],
  [`${OURS}api-keys:`, API_KEYS],
  [`${OURS}health:`, HEALTH],
];

/** What sort of thing a key of ours is; `undefined`: it is not the gateway's. */
export function kindOfKey(key: string): KeyKind | undefined {
  const exact = EXACT.get(key);
  if (exact !== undefined) return exact;
  const [, kind] = BY_PREFIX.find(([prefix]) => key.startsWith(prefix)) ?? [];
  return kind ?? (key.startsWith(OURS) ? OTHERS : undefined);
}

/** In the order in which people are told of them. */
export const KEY_KINDS: readonly KeyKind[] = [
  BANS,
  DRAINS,
  SPLITS,
  BREAKERS,
  BUCKETS,
  API_KEYS,
  CONFIGURATION,
  OTHERS,
  QUEUE,
  NODES,
  HEALTH,
];

export interface Wanted {
  readonly buckets: boolean;
  readonly all: boolean;
}

export function isWanted({ when }: KeyKind, { buckets, all }: Wanted): boolean {
  return when === 'default' || (when === 'buckets' && buckets) || (when === 'all' && all);
}
