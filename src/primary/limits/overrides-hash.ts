import { z } from 'zod';
import { EVENTS_CHANNEL } from '../../shared/breaker/keys.ts';
import { MOST_OVERRIDES, type OverrideState } from '../../shared/limits/overrides.ts';
import { askRedis, type RedisClient } from './ask-redis.ts';
import type { LimitEvent } from './limit-events.ts';
import { readScript } from './script.ts';

/** Hash with one field for each client that is banned or exempt; deleting it lifts all. */
export const OVERRIDES_KEY = 'api-gateway:limit-overrides';

const CHANGED: LimitEvent = { type: 'limit-overrides' };

export interface OverrideChange {
  readonly client: string;
  readonly state: OverrideState | 'AUTO';
  /** Meaningless for AUTO. */
  readonly forMs: number;
  /** Who said so. */
  readonly by: string;
}

/** The overrides as Redis has them. */
export interface OverridesSnapshot {
  /** Equal texts: nothing has changed. */
  readonly text: string;
  readonly clients: readonly { client: string; state: OverrideState; remainingMs: number; by: string }[];
}

const value = z.object({ state: z.enum(['BANNED', 'EXEMPT']), until: z.number(), by: z.string().catch('') });

/** The cluster's overrides. Both methods: `undefined` = Redis cannot be asked. */
export class OverridesHash {
  readonly #redis: RedisClient | undefined;
  readonly #change = readScript('change-override-1');
  readonly #read = readScript('read-overrides-1');

  constructor(redis: RedisClient | undefined) {
    this.#redis = redis;
  }

  async read(): Promise<OverridesSnapshot | undefined> {
    const reply = await askRedis(this.#redis, (redis) => redis.eval(this.#read, 1, OVERRIDES_KEY));
    return reply === undefined ? undefined : snapshotOf(reply);
  }

  /** @returns what holds after it; `full`: there are too many already, and nothing was changed */
  async change({ client, state, forMs, by }: OverrideChange): Promise<OverridesSnapshot | 'full' | undefined> {
    const told = [MOST_OVERRIDES, EVENTS_CHANNEL, JSON.stringify(CHANGED)];
    const args = [client, state, Math.ceil(forMs), JSON.stringify(by), ...told];
    const reply = await askRedis(this.#redis, (redis) => redis.eval(this.#change, 1, OVERRIDES_KEY, ...args));
    if (reply === undefined || reply === 'full') return reply;
    return snapshotOf(reply);
  }
}

function snapshotOf(reply: unknown): OverridesSnapshot | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [nowMs, ...flat] = reply as unknown[];
  const clients = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const found = parse(String(flat[i + 1]));
    if (found === undefined) continue; // written by hand, and not as it should be
    const { state, until, by } = found;
    clients.push({ client: String(flat[i]), state, remainingMs: until - Number(nowMs), by });
  }
  return { text: JSON.stringify(flat), clients };
}

function parse(text: string): z.infer<typeof value> | undefined {
  try {
    return value.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
