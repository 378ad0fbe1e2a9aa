import { createHash } from 'node:crypto';
import { Coalesced } from '../../limits/coalesced.ts';
import { OneAtATime } from '../../limits/one-at-a-time.ts';
import { pointerOf, readVersion } from './config-version.ts';
import type { ConfigVersion, Refusal, Seal } from './config-version.ts';
import type { VersionFile } from './version-file.ts';
import type { NodeVersion, SeenVersions, VersionHash } from './version-hash.ts';

/** Events are hints: what they say is looked for all the same. */
const LOOK_EVERY_MS = 5_000;
const LOOK_ON_EVENTS_EVERY_MS = 100;
export const KEPT_VERSIONS = 20;

export interface VersionBookOptions {
  readonly node: string;
  readonly keys: readonly string[];
  /** `undefined`: versions are this node's own. */
  readonly hash: VersionHash | undefined;
  /** `undefined`: this node has no place to keep them. */
  readonly file: VersionFile | undefined;
  /** Authentic ones that it had kept. */
  readonly kept: readonly ConfigVersion[];
  /** Another one is to be used. */
  readonly onVersion: (version: ConfigVersion) => Promise<void>;
  readonly onProposal: (id: string, text: string) => Promise<void>;
  /** Once for each text. */
  readonly onRefusal: (refusal: Refusal, what: string) => void;
  readonly onFileError: (error: unknown) => void;
}

/**
 * The versions of the configuration that this node knows; the highest that is authentic is in use. Redis, this node and its
 * disk are made equal by giving each what it lacks, so neither FLUSHDB nor whoever writes an old or a false one there changes
 * what is in use.
 */
export class VersionBook {
  readonly #options: VersionBookOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #hints = new Coalesced(() => void this.refresh(), LOOK_ON_EVENTS_EVERY_MS);
  readonly #reading = new OneAtATime(() => this.#refresh());
  readonly #known = new Map<number, ConfigVersion>();
  /** Digests of texts that were refused, each told once. */
  readonly #refused = new Set<string>();
  /** What `current` said that was no version of ours, and was put right once: nodes with other keys do not quarrel on. */
  readonly #corrected = new Set<string>();
  #used: string;
  #written: string;
  #proposal = '';
  #seen: SeenVersions | undefined;

  constructor(options: VersionBookOptions) {
    this.#options = options;
    for (const each of options.kept) this.#known.set(each.version, each);
    this.#written = this.#state();
    this.#used = this.current === undefined ? '' : pointerOf(this.current);
    if (options.hash !== undefined) {
      this.#timer = setInterval(() => void this.refresh(), LOOK_EVERY_MS).unref();
    }
  }

  /** The one to be used; `undefined`: none was ever pushed. */
  get current(): ConfigVersion | undefined {
    return this.#known.get(Math.max(0, ...this.#known.keys()));
  }

  /** 0 = none. */
  get number(): number {
    return this.current?.version ?? 0;
  }

  /** The newest first. */
  get all(): readonly ConfigVersion[] {
    return [...this.#known.values()].toSorted((a, b) => b.version - a.version);
  }

  get nodes(): readonly NodeVersion[] {
    return this.#seen?.nodes ?? [{ node: this.#options.node, version: this.number }];
  }

  /** What `current` of Redis said last; `undefined`: Redis cannot be asked. */
  get pointer(): string | undefined {
    return this.#seen?.current;
  }

  /** Something has changed in Redis. */
  hint(): void {
    if (this.#options.hash !== undefined) this.#hints.call();
  }

  /** Looks what is in Redis, gives it what it lacks, and uses what is newer. Never rejects. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  /** One that was made here. @throws when this node's disk does not take it and nothing else has it */
  async add(version: ConfigVersion): Promise<void> {
    this.#known.set(version.version, version);
    try {
      await this.#keep();
    } catch (error) {
      if (this.#options.hash === undefined) {
        this.#known.delete(version.version);
        throw error;
      }
      this.#options.onFileError(error);
    }
    await this.#use();
  }

  /** Reads what others have written. */
  read(text: string, seal: Seal, what: string): ConfigVersion | undefined {
    const read = readVersion(text, seal, this.#options.keys);
    if (read.ok) return read.version;
    const digest = createHash('sha256').update(what).update(text).digest('hex');
    if (!this.#refused.has(digest)) {
      this.#refused.add(digest);
      this.#options.onRefusal(read.refusal, what);
    }
    return undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#hints.close();
    await this.#reading.underWay;
    await this.#options.hash?.leave(this.#options.node);
  }

  async #refresh(): Promise<void> {
    const { hash, node } = this.#options;
    if (hash === undefined) return;
    this.#seen = await hash.look({ node, version: this.number }, this.#proposal);
    const seen = this.#seen;
    if (seen === undefined) return;
    await this.#take(seen, hash);
    await this.#give(seen, hash);
    try {
      await this.#keep();
    } catch (error) {
      this.#options.onFileError(error);
    }
    await this.#use();
    const { proposal } = seen;
    if (proposal === undefined || proposal.id === this.#proposal) return;
    this.#proposal = proposal.id;
    await this.#options.onProposal(proposal.id, proposal.text);
  }

  /** What is there and not here; of two with the same number the one there holds. */
  async #take({ current, versions }: SeenVersions, hash: VersionHash): Promise<void> {
    const pointed = Number(/^\d+/.exec(current)?.[0] ?? 0);
    const isOurs = this.#known.has(pointed) && pointerOf(this.#known.get(pointed) as ConfigVersion) === current;
    const oldest = Math.max(this.number, ...versions) - KEPT_VERSIONS;
    const wanted = versions
      .filter((number) => (!this.#known.has(number) && number > oldest) || (number === pointed && !isOurs))
      .toSorted((a, b) => b - a)
      .slice(0, KEPT_VERSIONS);
    const texts = await hash.texts(wanted);
    for (const [i, text] of (texts ?? []).entries()) {
      const number = wanted[i] ?? 0;
      const version = text === null ? undefined : this.read(text, 'version', `version ${number} in Redis`);
      if (version?.version === number) this.#known.set(number, version);
    }
  }

  async #give({ current, versions }: SeenVersions, hash: VersionHash): Promise<void> {
    const newest = this.current;
    if (newest === undefined) return;
    const pointer = pointerOf(newest);
    const lacking = this.all.filter(({ version }) => !versions.includes(version));
    if (lacking.length === 0 && (current === pointer || this.#corrected.has(current))) return;
    if (Number(/^\d+/.exec(current)?.[0] ?? 0) >= newest.version && current !== pointer) this.#corrected.add(current);
    // The newest in any case: what is there under its number may be false.
    const given = new Map([...lacking, newest].map((each) => [each.version, JSON.stringify(each)]));
    await hash.give(current, { number: newest.version, pointer }, given);
  }

  async #use(): Promise<void> {
    const { current } = this;
    if (current === undefined || pointerOf(current) === this.#used) return;
    this.#used = pointerOf(current);
    await this.#options.onVersion(current);
  }

  async #keep(): Promise<void> {
    for (const number of this.#known.keys()) {
      if (number <= this.number - KEPT_VERSIONS) this.#known.delete(number);
    }
    const state = this.#state();
    if (state === this.#written) return;
    await this.#options.file?.write(this.all.map((each) => JSON.stringify(each)));
    this.#written = state;
  }

  #state(): string {
    return this.all.map(pointerOf).join();
  }
}
