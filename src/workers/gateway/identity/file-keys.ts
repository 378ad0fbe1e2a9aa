import type { ConsumerConfig, IdentitiesConfig } from '../../../shared/config/identity/types.ts';
import { apiKeyHash, isWellFormedApiKey } from '../../../shared/identity/api-key.ts';
import { isRefusal } from '../../../shared/identity/identity.ts';
import type { Identity, Verdict } from '../../../shared/identity/identity.ts';
import { RecentMap } from '../limits/recent-map.ts';
import type { Verifier } from './verifier.ts';

/** Keys of our form, which the checksum is for; the file may have others. */
const OUR_PREFIX = 'gw1_';
/** A wrong key is remembered for so long: who tries the same again does not count as trying another. */
const REFUSED_MS = 5_000;
const REFUSED_ENTRIES = 4_096;

export interface FileKeysOptions {
  readonly config: Pick<IdentitiesConfig, 'consumers' | 'cacheEntries'>;
  /** Time of day, milliseconds. */
  readonly wallClock: () => number;
  /** Whether a key that the file has not may be good all the same: it is looked for there. */
  readonly next?: Verifier | undefined;
}

/** API keys that the configuration names: all of them are here, so a good one never waits. */
export class FileKeys implements Verifier {
  readonly #identities = new Map<string, Identity | undefined>();
  /** By the key itself, as hashing one costs more than finding it. */
  readonly #known = new Map<string, Identity>();
  readonly #refused = new RecentMap<number>({ maxEntries: REFUSED_ENTRIES, maxAgeMs: REFUSED_MS });
  readonly #mostKnown: number;
  readonly #wallClock: () => number;
  readonly #next: Verifier | undefined;

  constructor({ config, wallClock, next }: FileKeysOptions) {
    this.#mostKnown = config.cacheEntries;
    this.#wallClock = wallClock;
    this.#next = next;
    for (const consumer of config.consumers) {
      for (const { sha256, expiresAtMs, disabled } of consumer.keys) {
        this.#identities.set(
          sha256,
          disabled ? undefined : identityOf(consumer, sha256, expiresAtMs ?? Number.POSITIVE_INFINITY),
        );
      }
    }
  }

  known(key: string): Verdict | undefined {
    const identity = this.#known.get(key);
    if (identity !== undefined) return identity.expiresAtMs > this.#wallClock() ? identity : 'credentials_invalid';
    const found = this.#find(key);
    if (found !== undefined) return found;
    if (this.isMalformed(key)) return 'credentials_invalid';
    if (this.#next !== undefined) return this.#next.known(key);
    const untilMs = this.#refused.get(key);
    return untilMs !== undefined && untilMs > this.#wallClock() ? 'credentials_invalid' : undefined;
  }

  isMalformed(key: string): boolean {
    return key.startsWith(OUR_PREFIX) && !isWellFormedApiKey(key);
  }

  isThere(key: string, done: (isThere: boolean) => void): void {
    if (this.#next?.isThere === undefined) setImmediate(done, false);
    else this.#next.isThere(key, done);
  }

  again(identity: Identity, done: (verdict: Verdict) => void): void {
    const found = this.#findHash(identity.keyHash);
    if (found === undefined && this.#next?.again !== undefined) this.#next.again(identity, done);
    else done(found ?? 'credentials_invalid');
  }

  verify(key: string, done: (verdict: Verdict) => void): void {
    if (this.#next !== undefined) return this.#next.verify(key, done);
    const nowMs = this.#wallClock();
    this.#refused.set(key, nowMs + REFUSED_MS, nowMs);
    setImmediate(done, 'credentials_invalid');
  }

  /** What the file says of it; `undefined` = nothing. */
  #find(key: string): Verdict | undefined {
    if (this.#identities.size === 0) return undefined;
    const verdict = this.#findHash(apiKeyHash(key));
    if (verdict === undefined || isRefusal(verdict)) return verdict;
    if (this.#known.size >= this.#mostKnown) this.#known.clear();
    this.#known.set(key, verdict);
    return verdict;
  }

  #findHash(hash: string): Verdict | undefined {
    if (!this.#identities.has(hash)) return undefined;
    const identity = this.#identities.get(hash);
    return identity !== undefined && identity.expiresAtMs > this.#wallClock() ? identity : 'credentials_invalid';
  }
}

const identityOf = ({ name, profile, groups }: ConsumerConfig, keyHash: string, expiresAtMs: number): Identity => ({
  consumer: name,
  profile,
  groups,
  scopes: [],
  method: 'api_key',
  expiresAtMs,
  keyHash,
});
