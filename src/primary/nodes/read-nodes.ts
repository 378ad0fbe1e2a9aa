import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { parseJson } from '../../shared/parse-json.ts';

/** A node as the others see it. */
export interface ListedNode {
  readonly name: string;
  readonly version: string;
  /** ISO 8601; empty: it has not said. */
  readonly startedAt: string;
  readonly threads: number;
  readonly address: string;
  readonly lastBeatMsAgo: number;
}

/**
 * KEYS[1] sorted set of nodes by the time they last beat; ARGV[1] milliseconds until forgotten. Time is Redis's own.
 * Returns name and milliseconds since its beat, in turns, of those that live.
 */
const LIST_SCRIPT = `#!lua flags=no-writes
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%d', now_ms - tonumber(ARGV[1])), '+inf', 'WITHSCORES')
for i = 2, #found, 2 do found[i] = now_ms - tonumber(found[i]) end
return found`;

const said = z.object({ version: z.string(), started: z.string(), threads: z.number(), address: z.string() });
const NOTHING = { version: '', started: '', threads: 0, address: '' };

/** Reads which nodes live and what each says of itself. Rejects when Redis cannot be asked. */
export async function readNodes(redis: Redis | Cluster, aliveMs: number): Promise<readonly ListedNode[]> {
  const found = (await redis.eval(LIST_SCRIPT, 1, 'api-gateway:nodes', aliveMs)) as readonly (string | number)[];
  const names = found.filter((_, at) => at % 2 === 0).map(String);
  // One by one: in a cluster they lie in different slots.
  const texts = await Promise.all(names.map((name) => redis.get(`api-gateway:node:${name}`)));
  return names.map((name, at) => {
    // Others write there too, so it may be anything.
    const { started, ...rest } = parseJson(said, texts[at] ?? '') ?? NOTHING;
    return { name, ...rest, startedAt: started, lastBeatMsAgo: Math.max(0, Number(found[at * 2 + 1])) };
  });
}
