import { isKeyHash, rankOf } from '../../../shared/identity/key-record.ts';
import type { KeyRecord, StoredKey } from '../../../shared/identity/key-record.ts';
import type { KeyAnswer } from '../../../shared/identity/key-messages.ts';
import type { ApiKeysEvent } from '../../../shared/redis/events.ts';
import { Coalesced } from '../../limits/coalesced.ts';
import { OneAtATime } from '../../limits/one-at-a-time.ts';
import type { KeyFile } from './key-file.ts';
import type { KeyHash } from './key-hash.ts';

const LOOK_EVERY_MS = 5_000;
/** Answers that show another version make it look at once, and then so often. */
const LOOK_ON_ANSWERS_EVERY_MS = 1_000;
/** How long keys that are known pass while Redis cannot be asked. */
const AWAY_MS = 3_600_000;
/** A node whose copy is new does not call a hash whole that has just been lost: others may know some. */
const OTHERS_KNOW_MS = 15_000;
const PUT_AT_ONCE = 200;

/** Whether the keys of the cluster can be asked for. */
export type KeysState = 'well' | 'lost' | 'away';

export interface KeyBookOptions {
  /** `undefined`: this process is alone, and its file is all there is. */
  readonly hash: KeyHash | undefined;
  /** This node's copy; `undefined`: it has no folder for one. */
  readonly file: KeyFile | undefined;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly wallClock: () => number;
  /** What threads remember of these is old; `undefined` = of all. */
  readonly forget: (hashes: readonly string[] | undefined) => void;
  readonly onState: (state: KeysState) => void;
}

/**
 * The API keys as this node knows them: Redis has the truth of the cluster, the file a copy that survives it. A record is
 * never deleted, a revoked one outranks all others, so the two are made equal by giving each what the other lacks; that
 * is how keys come back after FLUSHDB or an eviction, and how a restored backup does not bring a revoked key back.
 */
export class KeyBook {
  readonly #options: KeyBookOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  /** Of the hash as this node has read it whole; '' = it has not. */
  #version = '';
  readonly #differs = new Coalesced(() => void this.refresh(), LOOK_ON_ANSWERS_EVERY_MS);
  #state: KeysState = 'well';
  #askedMs: number;
  #lostSinceMs = Number.NaN;
  /** Redis has all keys, as far as it says; until it has said so, or while it does not, none is unknown. */
  #isWhole: boolean;
  /** This node's copy has never been that of a whole hash: what it lacks others may have. */
  #isNew: boolean;
  readonly #syncing = new OneAtATime(() => this.#refresh());
  #asking = new Map<string, Promise<KeyAnswer>>();
  #batch: { readonly hash: string; readonly done: (answer: KeyAnswer) => void }[] = [];

  constructor(options: KeyBookOptions) {
    this.#options = options;
    this.#askedMs = options.clock();
    this.#isWhole = options.hash === undefined;
    this.#isNew = (options.file?.size ?? 0) === 0;
    if (options.hash !== undefined) this.#timer = setInterval(() => void this.refresh(), LOOK_EVERY_MS).unref();
  }

  get state(): KeysState {
    return this.#state;
  }

  /** `node`: Redis cannot be asked. */
  get scope(): 'cluster' | 'node' {
    return this.#state === 'away' ? 'node' : 'cluster';
  }

  /** The key whose hash begins so. @param id 16 hex digits */
  async byId(id: string): Promise<StoredKey | undefined> {
    if (!/^[0-9a-f]{16}$/.test(id)) return undefined;
    await this.refresh();
    const { file } = this.#options;
    if (file !== undefined) return file.byId(id);
    for await (const keys of this.all()) {
      const found = keys.find(({ hash }) => hash.startsWith(id));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whose a key is. Those of one turn of the loop are asked for together, and each once. Never rejects. */
  find(hash: string): Promise<KeyAnswer> {
    const asked = this.#asking.get(hash);
    if (asked !== undefined) return asked;
    const answer = new Promise<KeyAnswer>((done) => {
      if (this.#batch.push({ hash, done }) === 1) setImmediate(() => void this.#findBatch());
    }).finally(() => this.#asking.delete(hash));
    this.#asking.set(hash, answer);
    return answer;
  }

  /** Whether this node's copy has the key. */
  isThere(hash: string): boolean {
    return (this.#options.file?.rankOf(hash) ?? 0) > 0;
  }

  /**
   * Makes or changes keys: on this node's disk first, then in Redis.
   * @param endMs for Redis's word
   * @returns `node`: Redis has not been told yet; `nowhere`: nothing could be kept, and nothing was changed
   */
  async put(keys: readonly StoredKey[], endMs?: number): Promise<'cluster' | 'node' | 'nowhere'> {
    const { file, hash, forget } = this.#options;
    await file?.add(keys);
    const merged = await hash?.merge(keys, { as: 'change', ...(endMs === undefined ? {} : { endMs }) });
    if (merged === undefined && file === undefined) return 'nowhere';
    if (merged !== undefined && merged.before === this.#version) this.#version = merged.after;
    forget(keys.map((key) => key.hash));
    if (hash === undefined) return 'cluster';
    return merged === undefined ? 'node' : 'cluster';
  }

  /** All records there are, some hundred at a time: of the cluster where it can be asked, else of this node. */
  async *all(): AsyncGenerator<readonly StoredKey[]> {
    const { hash, file } = this.#options;
    await this.refresh();
    if (file !== undefined) return yield* file.all();
    for await (const keys of hash?.all() ?? []) if (keys !== undefined) yield keys;
  }

  /** Another node, or this one, has changed some. */
  async onEvent({ hashes, before, after }: ApiKeysEvent): Promise<void> {
    const { hash, file, forget } = this.#options;
    const named = hashes.filter(isKeyHash);
    forget(named);
    if (before === '' || after === '' || before !== this.#version) return this.refresh();
    const found = await hash?.find(named);
    const stored = named.flatMap((each, i) => {
      const record = found?.records[i];
      return record === undefined ? [] : [{ hash: each, record }];
    });
    try {
      await file?.add(stored);
      if (stored.length === named.length && this.#version === before) this.#version = after;
    } catch {
      this.#version = ''; // the disk may be full: all are read again
    }
  }

  /** Looks whether the cluster's keys are the ones known here, and makes both equal. Never rejects. */
  refresh(): Promise<void> {
    return this.#syncing.run();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#differs.close();
    await this.#syncing.underWay;
    await this.#options.file?.close();
  }

  async #refresh(): Promise<void> {
    const version = await this.#options.hash?.version();
    this.#heard(version);
    if (version === undefined || (version === this.#version && version !== '')) return;
    try {
      if (version === '') await this.#putBack();
      else await this.#makeEqual(version);
    } catch {
      this.#version = ''; // a disk that takes nothing: again at the next look
    }
  }

  /** @param version `undefined` = Redis did not say */
  #heard(version: string | undefined): void {
    if (this.#options.hash === undefined) return;
    if (version === undefined) {
      this.#setState(this.#state === 'lost' ? 'lost' : 'away');
      return;
    }
    this.#askedMs = this.#options.clock();
    if (version === '') {
      if (!(this.#lostSinceMs >= 0)) this.#lostSinceMs = this.#askedMs;
      this.#version = '';
      this.#isWhole = false;
      // Who has never known any key sees no loss: there may not have been one yet.
      this.#setState(this.#isNew ? 'well' : 'lost');
    } else {
      this.#lostSinceMs = Number.NaN;
      this.#isWhole = true;
      this.#setState('well');
    }
  }

  #setState(state: KeysState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  /** The hash is gone: all that is known here goes there again, and then it may be called whole. */
  async #putBack(): Promise<void> {
    const { hash, file, clock, forget } = this.#options;
    for await (const keys of hash?.all() ?? []) {
      const added = (await file?.add(keys ?? [])) ?? [];
      if (added.length > 0) forget(added.map((key) => key.hash));
    }
    if (file !== undefined && !(await this.#give(file))) return;
    if (this.#isNew && clock() - this.#lostSinceMs < OTHERS_KNOW_MS) return;
    const merged = await hash?.merge([], { as: 'complete' });
    if (merged === undefined) return;
    if (merged.before === '') {
      this.#version = merged.after;
      this.#isNew = false;
    }
    this.#heard(merged.after);
    forget(undefined);
  }

  async #makeEqual(version: string): Promise<void> {
    const { hash, file, forget } = this.#options;
    if (file === undefined) {
      // Nothing to compare with: threads ask for each key again.
      this.#version = version;
      return forget(undefined);
    }
    let read = 0;
    const lacking: StoredKey[] = [];
    for await (const keys of hash?.all() ?? []) {
      if (keys === undefined) return;
      read += keys.length;
      for (const { hash: each, record } of keys) {
        if (file.rankOf(each) <= rankOf(record)) continue;
        const own = await file.find(each);
        if (own !== undefined) lacking.push({ hash: each, record: own });
      }
      const added = await file.add(keys);
      if (added.length > 0) forget(added.map((key) => key.hash));
    }
    if (lacking.length > 0) {
      await hash?.merge(lacking);
      forget(lacking.map((key) => key.hash));
    }
    if (file.size > read && !(await this.#give(file))) return;
    // What was put there changes the version, and the next look finds the two equal.
    this.#version = lacking.length > 0 || file.size > read ? '' : version;
    if (this.#version === '') this.#version = (await hash?.version()) ?? '';
    this.#isNew = false;
  }

  async #give(file: KeyFile): Promise<boolean> {
    for await (const keys of file.all()) {
      for (let from = 0; from < keys.length; from += PUT_AT_ONCE) {
        const merged = await this.#options.hash?.merge(keys.slice(from, from + PUT_AT_ONCE));
        if (merged === undefined) return false;
      }
    }
    return true;
  }

  async #findBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    let said: Awaited<ReturnType<KeyHash['find']>>;
    if (this.#options.hash !== undefined) {
      said = await this.#options.hash.find(batch.map(({ hash }) => hash));
      this.#heard(said?.version);
      if (said !== undefined && (said.version === '' || said.version !== this.#version)) this.#differs.call();
    }
    await Promise.all(
      batch.map(async ({ hash, done }, i) => {
        try {
          done(await this.#answer(hash, said?.records[i]));
        } catch {
          done('unavailable');
        }
      }),
    );
  }

  async #answer(hash: string, shared: KeyRecord | undefined): Promise<KeyAnswer> {
    const { file, clock } = this.#options;
    const isShared = this.#options.hash !== undefined;
    const rank = file?.rankOf(hash) ?? 0;
    // Redis may have an older one, from a backup; or none, after a loss.
    const looks = file !== undefined && (!isShared || shared === undefined || rank > rankOf(shared));
    const own = looks ? await file.find(hash) : undefined;
    const record = own ?? shared;
    if (record !== undefined) {
      const tooLong = this.#state === 'away' && clock() - this.#askedMs > AWAY_MS;
      return tooLong ? 'unavailable' : this.#answerOf(record);
    }
    return this.#isWhole && this.#state === 'well' ? 'unknown' : 'unavailable';
  }

  #answerOf({ consumer, profile, groups, expires_ms: expires, revoked_ms: revoked }: KeyRecord): KeyAnswer {
    const endMs = Math.min(
      expires > 0 ? expires : Number.MAX_SAFE_INTEGER,
      revoked > 0 ? revoked : Number.MAX_SAFE_INTEGER,
    );
    if (endMs <= this.#options.wallClock()) return 'unknown';
    return { consumer, profile, groups, expiresMs: endMs };
  }
}
