import { mergeRefused, parseRefusedList, REFUSED_WINDOW_MS } from '../../shared/limits/refused-list.ts';
import type { RefusedList } from '../../shared/limits/refused-list.ts';
import { refusedKey } from '../../shared/redis/keys.ts';
import { runScript, setForMs } from '../../shared/redis/scripts.ts';
import type { AskedRedis, RedisClient } from './asked-redis.ts';

/** Of a list as text; a longer one was not written by a node. */
const LONGEST_LIST = 262_144;
const PUBLISH_EVERY_MS = 2_000;
/** What ended threads have told runs out without anybody saying so. */
const REFRESH_EVERY_MS = 60_000;

export interface RefusedSharingOptions {
  readonly redis: RedisClient | undefined;
  /** The same one. */
  readonly asked: AskedRedis;
  readonly node: string;
  /** Names of the nodes that live. */
  readonly liveNodes: () => Promise<readonly string[]>;
  /** This node's own list. */
  readonly list: () => RefusedList;
}

export interface ClusterRefused {
  readonly scope: 'cluster' | 'node';
  readonly nodes: number;
  readonly list: RefusedList;
}

/** Puts this node's most refused clients where the others find them, and finds theirs. */
export class RefusedSharing {
  readonly #options: RefusedSharingOptions;
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #refresh: NodeJS.Timeout;

  constructor(options: RefusedSharingOptions) {
    this.#options = options;
    // What Redis held may be gone with it.
    options.redis?.on('ready', () => this.changed());
    this.#refresh = setInterval(() => {
      if (options.list().clients.length > 0) this.changed();
    }, REFRESH_EVERY_MS).unref();
  }

  /** The list is another; it goes out within two seconds. */
  changed(): void {
    this.#changed = true;
    if (this.#options.redis === undefined) return;
    this.#timer ??= setTimeout(() => void this.#publish(), PUBLISH_EVERY_MS).unref();
  }

  /** The list of all live nodes; of this node alone where the others' cannot be read. */
  async clusterList(endMs: number): Promise<ClusterRefused> {
    const { asked, node, liveNodes, list } = this.#options;
    const found = await asked.ask(async (client) => {
      const others = (await liveNodes()).filter((name) => name !== node);
      return Promise.all(others.map((name) => readList(client, refusedKey(name))));
    }, endMs);
    if (found === undefined) return { scope: 'node', nodes: 1, list: list() };
    const lists = found.filter((each) => each !== undefined);
    return { scope: 'cluster', nodes: 1 + found.length, list: mergeRefused([list(), ...lists]) };
  }

  close(): void {
    clearInterval(this.#refresh);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #publish(): Promise<void> {
    const { redis, asked, node, list } = this.#options;
    this.#timer = undefined;
    if (!this.#changed || redis?.status !== 'ready') return; // `ready` comes back here
    this.#changed = false;
    const said = { keys: [refusedKey(node)], args: [JSON.stringify(list()), REFUSED_WINDOW_MS] };
    const done = await asked.ask((client) => runScript(client, setForMs, said));
    if (done === undefined) this.changed();
  }
}

/** Its window goes on from when it was written, which its time to live tells without a common clock. */
async function readList(redis: RedisClient, key: string): Promise<RefusedList | undefined> {
  let text: string;
  let leftMs: number;
  try {
    [text, leftMs] = await Promise.all([redis.getrange(key, 0, LONGEST_LIST - 1), redis.pttl(key)]);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return undefined; // none of ours
    throw error;
  }
  const list = parseRefusedList(text);
  if (list === undefined || leftMs < 0) return undefined;
  return { ...list, windowMs: list.windowMs + Math.max(0, REFUSED_WINDOW_MS - leftMs) };
}
