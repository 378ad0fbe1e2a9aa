import { setTimeout as wait } from 'node:timers/promises';
import { wallClockMs } from '../../../shared/clock.ts';
import type { Difference } from '../../../shared/admin/config.ts';
import { formatProblems } from '../../../shared/config/problems.ts';
import type { Problem } from '../../../shared/config/problems.ts';
import type { ConfigStore, SourceConfig } from '../../../shared/config/source/types.ts';
import type { Log } from '../../../shared/log.ts';
import type { EventLog } from '../../events/event-log.ts';
import { AskedRedis } from '../../limits/asked-redis.ts';
import type { RedisClient } from '../../limits/asked-redis.ts';
import type { ConfigSource } from '../config-source.ts';
import type { Reload, ReloadOutcome } from '../reload.ts';
import { agreeOn, voteText } from './agreement.ts';
import type { Agreement } from './agreement.ts';
import { configDiff, summaryOf } from './config-diff.ts';
import { signVersion } from './config-version.ts';
import type { ConfigVersion, Refusal, UnsignedVersion, VersionFiles } from './config-version.ts';
import type { OpenedVersions } from './open-versions.ts';
import { VersionBook } from './version-book.ts';
import { VersionHash } from './version-hash.ts';

/** More than a person reads. */
const MOST_DIFFERENCES = 500;
const MOST_PROBLEMS = 20;

export interface ConfigVersionsOptions {
  readonly settings: Pick<SourceConfig, 'store' | 'signingKeys'>;
  readonly opened: OpenedVersions;
  readonly node: string;
  /** Made without offline queue; closed by whoever made it. */
  readonly redis: RedisClient | undefined;
  readonly source: Pick<ConfigSource, 'try' | 'use'>;
  readonly active: Pick<Reload, 'active' | 'plan'>;
  /** Loads and applies what `source` says now. Never rejects. */
  readonly reload: () => Promise<ReloadOutcome | undefined>;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
}

export interface PushWish {
  readonly files: VersionFiles;
  readonly comment: string;
  readonly by: string;
  /** The version it is based on; `undefined` = whichever. */
  readonly on: number | undefined;
  /** Only look what would come of it. */
  readonly dryRun: boolean;
}

export interface Pushed {
  readonly kind: 'done';
  /** In use now. */
  readonly version: number;
  readonly changes: readonly Difference[];
  readonly omitted: number;
  readonly needsRestart: readonly string[];
  readonly warnings: readonly string[];
  readonly complete: boolean;
}

export type PushOutcome =
  | Pushed
  /** The configuration comes from files. */
  | { readonly kind: 'off' }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  | { readonly kind: 'not-kept'; readonly reason: string }
  | Exclude<Agreement, { kind: 'made' }>;

/** Versions of the configuration on this node: pushes them, follows those of others, and says what is wrong with them. */
export class ConfigVersions {
  readonly book: VersionBook;
  readonly store: ConfigStore;
  /** Texts that were not believed, by why. */
  readonly refusals = new Map<Refusal, number>();
  readonly #options: ConfigVersionsOptions;
  readonly #hash: VersionHash | undefined;
  readonly #asked: Promise<unknown>;
  #pushing: Promise<unknown> = Promise.resolve();
  #ownProposal = '';
  #last: ReloadOutcome | undefined;

  constructor(options: ConfigVersionsOptions) {
    this.#options = options;
    const { settings, opened, node, redis, log } = options;
    this.store = settings.store;
    this.#hash = settings.store === 'redis' && redis !== undefined ? new VersionHash(new AskedRedis(redis)) : undefined;
    this.book = new VersionBook({
      node,
      keys: settings.signingKeys,
      hash: this.#hash,
      file: opened.file,
      kept: opened.kept,
      onVersion: (version) => this.#take(version),
      onProposal: (id, text) => this.#vote(id, text),
      onRefusal: (refusal, what) => this.#refuse(refusal, what),
      onFileError: (error) => log.error({ err: error }, 'STATE_DIR does not take the versions of the configuration'),
    });
    if (opened.error !== undefined) {
      log.error({ err: opened.error }, 'the versions of the configuration in STATE_DIR cannot be read');
    }
    for (const refusal of opened.refused) this.#refuse(refusal, `a version in ${opened.file?.path ?? 'STATE_DIR'}`);
    this.#asked = new Promise((resolve) => {
      if (this.#hash === undefined) return resolve(undefined);
      const look = (): void => resolve(this.book.refresh());
      redis?.on('ready', look);
      if (redis?.status === 'ready') look();
    });
  }

  /** Another node has said something. */
  hint(): void {
    this.book.hint();
  }

  /** Resolves when Redis has been asked and what it has is in use, or after so long. */
  async asked(withinMs: number): Promise<void> {
    await Promise.race([this.#asked, wait(withinMs, undefined, { ref: false })]);
  }

  /** One after another, so that each sees what the one before has made. */
  push(wish: PushWish): Promise<PushOutcome> {
    const mine = this.#pushing.then(() => this.#push(wish));
    this.#pushing = mine.catch(() => undefined);
    return mine;
  }

  close(): Promise<void> {
    return this.book.close();
  }

  async #push({ files, comment, by, on, dryRun }: PushWish): Promise<PushOutcome> {
    const { source, active, node } = this.#options;
    if (this.store === 'files' && !dryRun) return { kind: 'off' };
    await this.book.refresh();
    if (on !== undefined && on !== this.book.number) return { kind: 'changed' };
    const tried = source.try(files);
    if (!tried.ok) return { kind: 'invalid', problems: linesOf(tried.problems) };
    const { needsRestart, loaded } = active.plan(tried.loaded);
    const differences = configDiff(active.active().config, loaded.config);
    const about = {
      changes: differences.slice(0, MOST_DIFFERENCES),
      omitted: Math.max(0, differences.length - MOST_DIFFERENCES),
      needsRestart,
      warnings: linesOf(tried.warnings),
    };
    const { current } = this.book;
    if (dryRun || (current !== undefined && isSame(current.files, files))) {
      return { kind: 'done', version: this.book.number, ...about, complete: true };
    }
    const unsigned: UnsignedVersion = {
      version: this.book.number + 1,
      at: new Date(wallClockMs()).toISOString(),
      by: `${by} at ${node}`,
      comment,
      changes: summaryOf(differences),
      files,
    };
    const made = await this.#agree(unsigned);
    if (made.kind !== 'made') return made;
    this.#last = undefined;
    try {
      await this.book.add(made.version);
    } catch (error) {
      return { kind: 'not-kept', reason: error instanceof Error ? error.message : String(error) };
    }
    const applied = this.#last as ReloadOutcome | undefined;
    const complete = applied?.kind === 'applied' && applied.complete;
    return { kind: 'done', version: made.version.version, ...about, complete };
  }

  async #agree(unsigned: UnsignedVersion): Promise<Agreement> {
    const { signingKeys: keys } = this.#options.settings;
    if (this.store !== 'redis') return { kind: 'made', version: signVersion(unsigned, 'version', keys) };
    const hash = this.#hash;
    const on = this.book.pointer;
    if (hash === undefined || on === undefined) return { kind: 'redis' };
    const nodes = this.book.nodes.flatMap(({ node }) => (node === this.#options.node ? [] : [node]));
    return agreeOn(unsigned, { hash, keys, nodes, on, onId: (id) => (this.#ownProposal = id) });
  }

  async #vote(id: string, text: string): Promise<void> {
    if (id === this.#ownProposal) return;
    const { source, node } = this.#options;
    const proposed = this.book.read(text, 'proposal', 'a proposal in Redis');
    if (proposed === undefined) {
      return this.#hash?.vote(
        id,
        node,
        voteText(['its signature is not believed here: is CONFIG_SIGNING_KEY the same?']),
      );
    }
    const tried = source.try(proposed.files);
    await this.#hash?.vote(id, node, voteText(tried.ok ? [] : linesOf(tried.problems)));
  }

  async #take(version: ConfigVersion): Promise<void> {
    const { source, reload, log, events } = this.#options;
    const { version: number, by, comment, changes } = version;
    const text = `version ${number} of the configuration, pushed by ${by}`;
    log.info({ version: number, by, comment, changes }, text);
    events.add('config', text, { version: number, by, comment, changes });
    source.use(version.files);
    this.#last = await reload();
  }

  #refuse(refusal: Refusal, what: string): void {
    this.refusals.set(refusal, (this.refusals.get(refusal) ?? 0) + 1);
    const text = `${what} is refused: ${WHY[refusal]}`;
    this.#options.log.error({ reason: refusal }, text);
    this.#options.events.add('config', text, { reason: refusal });
  }
}

const WHY: Readonly<Record<Refusal, string>> = {
  malformed: 'it is no version of a configuration',
  unsigned: 'it is not signed',
  false_signature: 'its signature is of no key in CONFIG_SIGNING_KEY',
};

const isSame = (a: VersionFiles, b: VersionFiles): boolean => JSON.stringify(a) === JSON.stringify(b);

const linesOf = (problems: readonly Problem[]): readonly string[] =>
  problems.length === 0 ? [] : formatProblems(problems).split('\n').slice(0, MOST_PROBLEMS);
