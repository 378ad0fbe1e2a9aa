import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { nodeVitals } from '../../shared/admin/vitals.ts';
import type { NodeVitals } from '../../shared/admin/vitals.ts';
import { parseJson } from '../../shared/parse-json.ts';
import { JOB_NODES_KEY, nodeKey, NODES_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';

/** A node as the others see it. */
export interface ListedNode {
  readonly name: string;
  readonly version: string;
  /** ISO 8601; empty: it has not said. */
  readonly startedAt: string;
  readonly threads: number;
  readonly jobsOnly: boolean;
  readonly address: string;
  readonly lastBeatMsAgo: number;
  readonly vitals?: NodeVitals | undefined;
}

const LIST = readScript(new URL('list-1.lua', import.meta.url));

/** More entries are not looked at: they are nobody's nodes. */
export const MOST_NODES = 1_000;
const LONGEST_TEXT = 4_096;

const said = z.object({
  version: z.string(),
  started: z.string(),
  threads: z.number(),
  address: z.string(),
  // Other versions may say other things, and the node is a node all the same.
  vitals: nodeVitals.optional().catch(undefined),
});
const NOTHING = { version: '', started: '', threads: 0, address: '' };

/** The text of a key; '' where there is another type. */
async function startOf(redis: Redis | Cluster, key: string): Promise<string> {
  try {
    return await redis.getrange(key, 0, LONGEST_TEXT - 1);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return '';
    throw error;
  }
}

/** Reads which nodes live and what each says of itself. Rejects when Redis cannot be asked. */
export async function readNodes(redis: Redis | Cluster, aliveMs: number): Promise<readonly ListedNode[]> {
  const [serving, jobsOnly] = await Promise.all([
    readSet(redis, { key: NODES_KEY, aliveMs }),
    readSet(redis, { key: JOB_NODES_KEY, aliveMs }),
  ]);
  const names = new Set(serving.map(({ name }) => name)); // one that was started anew with another JOBS is in both for a while
  return [
    ...serving.map((node) => ({ ...node, jobsOnly: false })),
    ...jobsOnly.filter(({ name }) => !names.has(name)).map((node) => ({ ...node, jobsOnly: true })),
  ];
}

async function readSet(
  redis: Redis | Cluster,
  { key, aliveMs }: { readonly key: string; readonly aliveMs: number },
): Promise<readonly Omit<ListedNode, 'jobsOnly'>[]> {
  const listed = await runScript(redis, LIST, { keys: [key], args: [aliveMs, MOST_NODES] });
  const found = listed as readonly (string | number)[];
  const names = found.filter((_, at) => at % 2 === 0).map(String);
  // One by one: in a cluster they lie in different slots.
  const texts = await Promise.all(names.map(async (name) => startOf(redis, nodeKey(name))));
  return names.map((name, at) => {
    // Others write there too, so it may be anything.
    const { started, ...rest } = parseJson(said, texts[at] ?? '') ?? NOTHING;
    return { name, ...rest, startedAt: started, lastBeatMsAgo: Math.max(0, Number(found[at * 2 + 1])) };
  });
}
