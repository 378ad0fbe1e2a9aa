import type { ConfigEvent } from '../../../shared/redis/events.ts';
import { CONFIG_VERSIONS_KEY, EVENTS_CHANNEL } from '../../../shared/redis/keys.ts';
import { readScript, runScript } from '../../../shared/redis/scripts.ts';
import type { AskedRedis } from '../../limits/asked-redis.ts';

const CHANGED: ConfigEvent = { type: 'config' };
const TOLD = [EVENTS_CHANNEL, JSON.stringify(CHANGED)] as const;
/** A node looks every five seconds. */
const GONE_AFTER_MS = 13_000;

/** Which version a node has. */
export interface NodeVersion {
  readonly node: string;
  readonly version: number;
}

/** What is in Redis. */
export interface SeenVersions {
  /** Pointer to the one in use; '' = there is none. */
  readonly current: string;
  /** `undefined`: none is under way. */
  readonly proposal: { readonly id: string; readonly text: string } | undefined;
  readonly versions: readonly number[];
  /** Those that follow them, this one too. */
  readonly nodes: readonly NodeVersion[];
}

const script = (name: string) => readScript(new URL(`${name}-1.lua`, import.meta.url));

/** Versions of the configuration in Redis. `undefined` = Redis cannot be asked. */
export class VersionHash {
  readonly #redis: AskedRedis;
  readonly #look = script('look');
  readonly #propose = script('propose');
  readonly #vote = script('vote');
  readonly #settle = script('settle');
  readonly #give = script('give');

  constructor(redis: AskedRedis) {
    this.#redis = redis;
  }

  /** @param known id of the last proposal that was seen: its text is left out */
  async look({ node, version }: NodeVersion, known: string): Promise<SeenVersions | undefined> {
    const reply = await this.#run(this.#look, [node, version, GONE_AFTER_MS, known]);
    if (!Array.isArray(reply)) return undefined;
    const [current, id, text, versions, nodes] = reply as [string, string, string, string[], string[]];
    return {
      current,
      proposal: id === '' ? undefined : { id, text },
      versions: versions.map(Number),
      nodes: nodes.flatMap((each, i) => (i % 2 === 0 ? [{ node: each, version: Number(nodes[i + 1]) }] : [])),
    };
  }

  /** Texts of versions, as they are there; `null` where there is none. */
  texts(versions: readonly number[]): Promise<readonly (string | null)[] | undefined> {
    return this.#fields(versions.map((version) => `v:${version}`));
  }

  /** What nodes have said of the proposal; `null` where one has not. */
  votes(nodes: readonly string[]): Promise<readonly (string | null)[] | undefined> {
    return this.#fields(nodes.map((node) => `vote:${node}`));
  }

  /** @returns whether it is under way */
  async propose(on: string, proposal: { id: string; text: string; lastsMs: number }): Promise<boolean | undefined> {
    const { id, text, lastsMs } = proposal;
    return isDone(await this.#run(this.#propose, [on, id, lastsMs, text, ...TOLD]));
  }

  async vote(id: string, node: string, text: string): Promise<void> {
    await this.#run(this.#vote, [id, node, text]);
  }

  /** @returns whether the version is in use now */
  async commit(id: string, on: string, made: { number: number; text: string; pointer: string; kept: number }) {
    const { number, text, pointer, kept } = made;
    return isDone(await this.#run(this.#settle, [id, on, number, text, pointer, kept, ...TOLD]));
  }

  async drop(id: string): Promise<void> {
    await this.#run(this.#settle, [id, '', '', '', '', 0, ...TOLD]);
  }

  /** @param seen what `current` is that must not stay */
  async give(seen: string, newest: { number: number; pointer: string }, texts: ReadonlyMap<number, string>) {
    const each = [...texts].flatMap(([number, text]) => [number, text]);
    await this.#run(this.#give, [seen, newest.pointer, newest.number, ...TOLD, ...each]);
  }

  /** This node follows them no longer. */
  async leave(node: string): Promise<void> {
    await this.#redis.ask((redis) => redis.hdel(CONFIG_VERSIONS_KEY, `node:${node}`));
  }

  #fields(names: readonly string[]): Promise<readonly (string | null)[] | undefined> {
    if (names.length === 0) return Promise.resolve([]);
    return this.#redis.ask((redis) => redis.hmget(CONFIG_VERSIONS_KEY, ...names));
  }

  #run(what: ReturnType<typeof script>, args: readonly (string | number)[]): Promise<unknown> {
    return this.#redis.ask((redis) => runScript(redis, what, { keys: [CONFIG_VERSIONS_KEY], args }));
  }
}

const isDone = (reply: unknown): boolean | undefined => (reply === undefined ? undefined : reply === 1);
