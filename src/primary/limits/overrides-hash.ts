import { z } from 'zod';
import { OVERRIDE_SECONDS } from '../../shared/admin/breakers.ts';
import { MOST_OVERRIDES } from '../../shared/limits/overrides.ts';
import type { OverrideState } from '../../shared/limits/overrides.ts';
import { parseJson } from '../../shared/parse-json.ts';
import type { ClusterEvent } from '../../shared/redis/events.ts';
import { EVENTS_CHANNEL, OVERRIDES_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { AskedRedis } from './asked-redis.ts';

const VERSION_FIELD = '#version';
const LONGEST_MS = OVERRIDE_SECONDS.most * 1000;

/** Which hash, what its entries may say, and what nodes are told when one has changed. */
export interface OverrideKind<State extends string> {
  readonly key: string;
  readonly states: readonly State[];
  readonly changed: ClusterEvent;
}

/** Clients that are banned or exempt. */
export const CLIENT_OVERRIDES: OverrideKind<OverrideState> = {
  key: OVERRIDES_KEY,
  states: ['BANNED', 'EXEMPT'],
  changed: { type: 'limit-overrides' },
};

export interface OverrideChange<State extends string = OverrideState> {
  /** Whom or what it is about. */
  readonly client: string;
  readonly state: State | 'AUTO';
  /** Meaningless for AUTO. */
  readonly forMs: number;
  /** Who said so. */
  readonly by: string;
}

/** What became of a change; equal stamps mean equal overrides, but for an entry that was changed by hand. */
export interface WrittenChange {
  /** Milliseconds since the epoch by Redis's clock. */
  readonly until: number;
  readonly before: string;
  readonly after: string;
}

interface ClusterOverride<State extends string> {
  readonly client: string;
  readonly state: State;
  /** Milliseconds since the epoch by Redis's clock. */
  readonly until: number;
  readonly remainingMs: number;
  readonly by: string;
}

/** The overrides as Redis has them. */
export interface OverridesSnapshot<State extends string = OverrideState> {
  readonly stamp: string;
  readonly clients: readonly ClusterOverride<State>[];
}

const valueOf = <State extends string>(states: readonly State[]) =>
  z.object({ state: z.enum(states), until: z.number(), by: z.string().catch('') });

/** The cluster's overrides. Both methods: `undefined` = Redis cannot be asked. */
export class OverridesHash<State extends string> {
  readonly #redis: AskedRedis;
  readonly #kind: OverrideKind<State>;
  readonly #change = readScript(new URL('change-override-1.lua', import.meta.url));
  readonly #read = readScript(new URL('read-overrides-1.lua', import.meta.url));

  constructor(redis: AskedRedis, kind: OverrideKind<State>) {
    this.#redis = redis;
    this.#kind = kind;
  }

  /**
   * @param known stamp of what is known, '' = read all the same
   * @returns `same`: they still have that stamp
   */
  async read(known: string): Promise<OverridesSnapshot<State> | 'same' | undefined> {
    const said = { keys: [this.#kind.key], args: [known, MOST_OVERRIDES + 1] };
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#read, said));
    return reply === null ? 'same' : snapshotOf(reply, this.#kind.states);
  }

  /** One client's; costs the same however many there are. @returns `full`: there are too many, nothing was changed */
  async change(
    { client, state, forMs, by }: OverrideChange<State>,
    endMs?: number,
  ): Promise<WrittenChange | 'full' | undefined> {
    const announcement = [MOST_OVERRIDES, EVENTS_CHANNEL, JSON.stringify(this.#kind.changed)];
    const said = {
      keys: [this.#kind.key],
      args: [client, state, Math.ceil(forMs), JSON.stringify(by), ...announcement],
    };
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#change, said), endMs);
    if (reply === 'full') return reply;
    if (!Array.isArray(reply)) return undefined;
    const [until, before, after] = reply as unknown[];
    return { until: Number(until), before: String(before), after: String(after) };
  }
}

function snapshotOf<State extends string>(
  reply: unknown,
  states: readonly State[],
): OverridesSnapshot<State> | undefined {
  const value = valueOf(states);
  if (!Array.isArray(reply)) return undefined;
  const [nowMs, stamp, ...flat] = reply as unknown[];
  const clients: ClusterOverride<State>[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const client = String(flat[i]);
    const found = client === VERSION_FIELD ? undefined : parseJson(value, String(flat[i + 1]));
    if (found === undefined) continue; // or written by hand, and not as it should be
    clients.push({ client, ...found, remainingMs: Math.min(found.until - Number(nowMs), LONGEST_MS) });
    if (clients.length === MOST_OVERRIDES) break;
  }
  return { stamp: String(stamp), clients };
}
