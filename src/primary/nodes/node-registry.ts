import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { NodesAnswer } from '../../shared/admin/status.ts';
import type { NodeVitals } from '../../shared/admin/vitals.ts';
import { monotonicMs } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { JOB_NODES_KEY, nodeKey, NODES_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import { MOST_NODES, readNodes } from './read-nodes.ts';
import type { ListedNode } from './read-nodes.ts';
import { Twins } from './twins.ts';

/** What a node says about itself under its `nodeKey`. */
export interface NodeInfo {
  readonly name: string;
  readonly version: string;
  /** ISO 8601. */
  readonly started: string;
  readonly threads: number;
  /** Where its data port is, as far as it knows. */
  readonly address: string;
  /** How it is; `undefined`: it does not say. */
  readonly vitals?: NodeVitals | undefined;
}

const BEAT_EVERY_MS = 1_000;
/** A node that has not been heard of for this long is not counted; its key vanishes by itself. */
const ALIVE_MS = 5_000;

const BEAT = readScript(new URL('beat.lua', import.meta.url));
const SAY = readScript(new URL('say-1.lua', import.meta.url));

export interface NodeRegistryOptions {
  /** Closed by whoever made it, after `close`. */
  readonly redis: Redis | Cluster;
  readonly info: () => NodeInfo;
  /** JOBS=only: it is listed, but not counted, and does not count. */
  readonly jobsOnly: boolean;
  readonly log: Log;
  /** Called when the number of live nodes has changed. */
  readonly onCount: (count: number, names: readonly string[]) => void;
  /** Called when so many other processes use this node's name, and when none does any more. */
  readonly onTwins: (count: number) => void;
}

/**
 * Which nodes share this Redis: each beats once a second. While Redis is away the last known number stays, because the
 * other nodes have not gone with it.
 */
export class NodeRegistry {
  readonly #options: NodeRegistryOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #setKey: string;
  readonly #instance = randomBytes(6).toString('hex');
  readonly #twins = new Twins(this.#instance, ALIVE_MS);
  #twinCount = 0;
  #count = 1;
  #beating = false;
  #closed = false;
  /** The newest list that could be read, and when (monotonic). */
  #known: { readonly atMs: number; readonly nodes: readonly ListedNode[] } | undefined;

  constructor(options: NodeRegistryOptions) {
    this.#options = options;
    this.#setKey = options.jobsOnly ? JOB_NODES_KEY : NODES_KEY;
    options.redis.on('error', () => {}); // told by the limits and the breakers, which need Redis more
    options.redis.on('ready', () => void this.#beat());
    this.#timer = setInterval(() => void this.#beat(), BEAT_EVERY_MS).unref();
  }

  /** Nodes that live, this one and others of its name included; 1 with JOBS=only. */
  get count(): number {
    return this.#count;
  }

  /** The nodes that live, or those last heard of while Redis cannot be asked; this one is always among them. Never rejects. */
  async list(): Promise<NodesAnswer> {
    const fresh = await this.#read();
    const ageMs = this.#known === undefined ? 0 : Math.round(monotonicMs() - this.#known.atMs);
    const known = (this.#known?.nodes ?? []).map((node) => ({ ...node, lastBeatMsAgo: node.lastBeatMsAgo + ageMs }));
    return { scope: fresh ? 'cluster' : 'node', nodes: withSelf(known, this.#options) };
  }

  async #read(): Promise<boolean> {
    const { redis, log } = this.#options;
    if (this.#closed || redis.status !== 'ready') return false;
    try {
      const nodes = await readNodes(redis, ALIVE_MS);
      this.#known = { atMs: monotonicMs(), nodes };
      return true;
    } catch (error) {
      log.debug({ err: error }, 'the list of nodes could not be read');
      return false;
    }
  }

  /** Takes this node off the list. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    const { redis, info } = this.#options;
    if (redis.status === 'ready') {
      const { name } = info();
      await Promise.allSettled([redis.zrem(this.#setKey, name), redis.del(nodeKey(name))]);
    }
  }

  #said(mine: NodeInfo): string {
    return JSON.stringify({ ...mine, instance: this.#instance });
  }

  /** @returns what stood under this node's name, and the names of those that live */
  async #beatAndSay(mine: NodeInfo): Promise<readonly [string, readonly string[]]> {
    const { redis } = this.#options;
    const beat = (keys: readonly string[], more: readonly string[]) =>
      runScript(redis, BEAT, {
        keys: [this.#setKey, ...keys],
        args: [mine.name, ALIVE_MS, MOST_NODES, ...more],
      }) as Promise<readonly [string, readonly string[]]>;
    const key = nodeKey(mine.name);
    if (!redis.isCluster) return beat([key], [this.#said(mine)]);
    const say = runScript(redis, SAY, { keys: [key], args: [this.#said(mine), ALIVE_MS] });
    const [[, live], before] = await Promise.all([beat([], []), say]);
    return [String(before), live];
  }

  #findTwins(before: string): void {
    const count = this.#twins.found(before, monotonicMs());
    const had = this.#twinCount;
    this.#twinCount = count;
    if (count > 0 !== had > 0) this.#options.onTwins(count);
  }

  async #beat(): Promise<void> {
    const { redis, info, jobsOnly, log, onCount } = this.#options;
    if (this.#closed || this.#beating || redis.status !== 'ready') return;
    this.#beating = true;
    try {
      const mine = info();
      const [before, live] = await this.#beatAndSay(mine);
      this.#findTwins(before);
      if (jobsOnly) return;
      const count = Math.max(1, live.length) + this.#twinCount;
      if (count !== this.#count) {
        log.info({ nodes: live }, 'live nodes changed');
        this.#count = count;
        onCount(count, live);
        await this.#read(); // so that something is known when Redis goes away
      }
    } catch (error) {
      log.debug({ err: error }, 'the node could not say that it lives; tried again in a second');
    } finally {
      this.#beating = false;
    }
  }
}

/** What this node says of itself holds without asking anyone. */
export function withSelf(
  nodes: readonly ListedNode[],
  { info, jobsOnly }: Pick<NodeRegistryOptions, 'info' | 'jobsOnly'>,
): NodesAnswer['nodes'] {
  const { name, version, started, threads, address, vitals } = info();
  const seen = nodes.find((node) => node.name === name);
  const lastBeatMsAgo = seen?.lastBeatMsAgo ?? 0;
  const self = { name, version, startedAt: started, threads, jobsOnly, address, lastBeatMsAgo, vitals };
  const others = nodes.filter((node) => node.name !== name).map((node) => ({ ...node, self: false }));
  return [{ ...self, self: true }, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
}
