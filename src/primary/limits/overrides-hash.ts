import { z } from 'zod';
import { OVERRIDE_SECONDS } from '../../shared/admin/breakers.ts';
import { MOST_OVERRIDES } from '../../shared/limits/overrides.ts';
import type { OverrideState } from '../../shared/limits/overrides.ts';
import { parseJson } from '../../shared/parse-json.ts';
import type { LimitEvent } from '../../shared/redis/events.ts';
import { EVENTS_CHANNEL, OVERRIDES_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { AskedRedis } from './asked-redis.ts';

const VERSION_FIELD = '#version';
const LONGEST_MS = OVERRIDE_SECONDS.most * 1000;
const CHANGED: LimitEvent = { type: 'limit-overrides' };

export interface OverrideChange {
  readonly client: string;
  readonly state: OverrideState | 'AUTO';
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

interface ClusterOverride {
  readonly client: string;
  readonly state: OverrideState;
  /** Milliseconds since the epoch by Redis's clock. */
  readonly until: number;
  readonly remainingMs: number;
  readonly by: string;
}

/** The overrides as Redis has them. */
export interface OverridesSnapshot {
  readonly stamp: string;
  readonly clients: readonly ClusterOverride[];
}

const value = z.object({ state: z.enum(['BANNED', 'EXEMPT']), until: z.number(), by: z.string().catch('') });

/** The cluster's overrides. Both methods: `undefined` = Redis cannot be asked. */
export class OverridesHash {
  readonly #redis: AskedRedis;
  readonly #change = readScript(new URL('change-override-1.lua', import.meta.url));
  readonly #read = readScript(new URL('read-overrides-1.lua', import.meta.url));

  constructor(redis: AskedRedis) {
    this.#redis = redis;
  }

  /**
   * @param known stamp of what is known, '' = read all the same
   * @returns `same`: they still have that stamp
   */
  async read(known: string): Promise<OverridesSnapshot | 'same' | undefined> {
    const said = { keys: [OVERRIDES_KEY], args: [known, MOST_OVERRIDES + 1] };
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#read, said));
    return reply === null ? 'same' : snapshotOf(reply);
  }

  /** One client's; costs the same however many there are. @returns `full`: there are too many, nothing was changed */
  async change(
    { client, state, forMs, by }: OverrideChange,
    endMs?: number,
  ): Promise<WrittenChange | 'full' | undefined> {
    const announcement = [MOST_OVERRIDES, EVENTS_CHANNEL, JSON.stringify(CHANGED)];
    const said = {
      keys: [OVERRIDES_KEY],
      args: [client, state, Math.ceil(forMs), JSON.stringify(by), ...announcement],
    };
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#change, said), endMs);
    if (reply === 'full') return reply;
    if (!Array.isArray(reply)) return undefined;
    const [until, before, after] = reply as unknown[];
    return { until: Number(until), before: String(before), after: String(after) };
  }
}

function snapshotOf(reply: unknown): OverridesSnapshot | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [nowMs, stamp, ...flat] = reply as unknown[];
  const clients: ClusterOverride[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const client = String(flat[i]);
    const found = client === VERSION_FIELD ? undefined : parseJson(value, String(flat[i + 1]));
    if (found === undefined) continue; // or written by hand, and not as it should be
    clients.push({ client, ...found, remainingMs: Math.min(found.until - Number(nowMs), LONGEST_MS) });
    if (clients.length === MOST_OVERRIDES) break;
  }
  return { stamp: String(stamp), clients };
}
