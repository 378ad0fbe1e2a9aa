import type { Cluster, Redis } from 'ioredis';
import { nodeStanding } from '../../shared/admin/page.ts';
import type { NodeStanding } from '../../shared/admin/page.ts';
import { monotonicMs } from '../../shared/clock.ts';
import { parseJson } from '../../shared/parse-json.ts';
import { HISTORIES_KEY, historyKey } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import { fieldOf, NOW_FIELD } from './history-sender.ts';
import { parseStep, SIZES } from './steps.ts';
import type { Step, StepSize } from './steps.ts';

const READ = readScript(new URL('read-history-1.lua', import.meta.url));
/** Of more nodes the charts are not; those that wrote last are looked at. */
const MOST_NODES = 100;
const LONGEST_STEP = 512;
const LONGEST_NOW = 65_536;
/** However many pages look at the same time, Redis is asked once in this time. */
const SHARED_MS = 500;
/** What comes late, as after a time without Redis, is found when all is read again. */
const WHOLE_EVERY_MS = 30_000;
/** Newer ones may still come. */
const LATE_SECONDS = 15;
/** What a node says of the moment holds for so long. */
const NOW_HOLDS_SECONDS = 30;

interface Known {
  readonly steps: Map<number, Step>;
  wholeMs: number;
}

/** What is known of each node at a step of the chosen size. */
export type StepsOf = ReadonlyMap<string, ReadonlyMap<number, Step>>;

/** What other nodes have counted, read only when a page looks; what was read once is kept. */
export class ClusterHistory {
  readonly #redis: Redis | Cluster;
  readonly #known = new Map<StepSize, Map<string, Known>>(SIZES.map((size) => [size, new Map()]));
  readonly #asked = new Map<StepSize, { readonly atMs: number; readonly answer: Promise<StepsOf | undefined> }>();

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
  }

  /** @returns by the name of the node; `undefined`: Redis does not answer */
  read(size: StepSize, starts: readonly number[]): Promise<StepsOf | undefined> {
    const nowMs = monotonicMs();
    const asked = this.#asked.get(size);
    if (asked !== undefined && nowMs - asked.atMs < SHARED_MS) return asked.answer;
    const answer = this.#read(size, starts).catch(() => undefined);
    this.#asked.set(size, { atMs: nowMs, answer });
    return answer;
  }

  /** What these nodes say of the moment, by their names. @param nowSeconds of the Unix epoch */
  async standings(nodes: readonly string[], nowSeconds: number): Promise<ReadonlyMap<string, NodeStanding>> {
    if (this.#redis.status !== 'ready') return new Map();
    const found = await Promise.all(
      nodes.slice(0, MOST_NODES).map(async (node): Promise<readonly [string, NodeStanding][]> => {
        const [text = ''] = await this.#fields(node, LONGEST_NOW, [NOW_FIELD]).catch(() => []);
        const standing = parseJson(nodeStanding, text);
        const isNow = standing !== undefined && Math.abs(nowSeconds - standing.at) <= NOW_HOLDS_SECONDS;
        return isNow ? [[node, standing]] : [];
      }),
    );
    return new Map(found.flat());
  }

  async #read(size: StepSize, starts: readonly number[]): Promise<StepsOf | undefined> {
    if (this.#redis.status !== 'ready') return undefined;
    const names = await this.#redis.zrevrange(HISTORIES_KEY, 0, MOST_NODES - 1);
    const known = this.#known.get(size) ?? new Map<string, Known>();
    for (const name of known.keys()) if (!names.includes(name)) known.delete(name);
    await Promise.all(
      names.map(async (name) => {
        const of: Known = known.get(name) ?? { steps: new Map<number, Step>(), wholeMs: Number.NEGATIVE_INFINITY };
        known.set(name, of);
        await this.#readNode(name, { size, starts, of });
      }),
    );
    return new Map([...known].map(([name, { steps }]) => [name, steps]));
  }

  async #readNode(
    name: string,
    { size, starts, of }: { readonly size: StepSize; readonly starts: readonly number[]; readonly of: Known },
  ): Promise<void> {
    const nowMs = monotonicMs();
    const isWhole = nowMs - of.wholeMs >= WHOLE_EVERY_MS;
    if (isWhole) of.wholeMs = nowMs;
    const newest = starts.at(-1) ?? 0;
    const [oldest = 0] = starts;
    const missing = starts.filter((at) => !of.steps.has(at) && (isWhole || at > newest - size - LATE_SECONDS));
    for (const at of of.steps.keys()) if (at < oldest) of.steps.delete(at);
    if (missing.length === 0) return;
    const texts = await this.#fields(
      name,
      LONGEST_STEP,
      missing.map((at) => fieldOf(size, at)),
    );
    missing.forEach((at, i) => {
      const step = parseStep(texts[i] ?? '');
      if (step?.at === at && step.seconds <= size) of.steps.set(at, step);
    });
  }

  async #fields(node: string, longest: number, fields: readonly string[]): Promise<readonly string[]> {
    const keys = [historyKey(node)];
    return (await runScript(this.#redis, READ, { keys, args: [longest, ...fields] })) as readonly string[];
  }
}
