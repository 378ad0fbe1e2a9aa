import { apiKeyHash, isWellFormedApiKey } from '../../../../shared/identity/api-key.ts';
import { isRefusal } from '../../../../shared/identity/identity.ts';
import type { Identity, Verdict } from '../../../../shared/identity/identity.ts';
import type { FromKeyThread, KeyAnswer, ToKeyThread } from '../../../../shared/identity/key-messages.ts';
import { RecentMap } from '../../limits/recent-map.ts';
import type { StoredIdentity } from './stored-identity.ts';
import type { Verifier } from '../verifier.ts';

/** A key that nobody has may have been made a moment ago; whoever asks again so soon is not looked up. */
const UNKNOWN_MS = 5_000;
/** The front says nothing: it is busy, or ends. */
const ANSWER_WITHIN_MS = 5_000;

export interface StoredKeyVerifierOptions {
  /** Keys remembered at most, about; and for how long. */
  readonly cacheEntries: number;
  readonly cacheMs: number;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly wallClock: () => number;
  /** To the front. */
  readonly post: (message: FromKeyThread) => void;
  /** What the configuration makes of a key. */
  readonly identityOf: (found: StoredIdentity) => Verdict;
}

/** By which its age is known; a refusal has the shorter life. */
interface Known {
  readonly verdict: Verdict;
  readonly untilMs: number;
}

interface Asked {
  readonly waiters: ((verdict: Verdict) => void)[];
  readonly timer: NodeJS.Timeout;
  /** Something has changed since it was asked. */
  isOld: boolean;
}

/** API keys that are stored outside the configuration: asks the front for each once, and remembers what it said for a time. */
export class StoredKeyVerifier implements Verifier {
  readonly #options: StoredKeyVerifierOptions;
  /** By the key's hash, which is what the front can name. */
  #known: RecentMap<Known>;
  /** Of keys that were seen lately: to hash is dearer than to find. */
  readonly #hashes: RecentMap<string>;
  readonly #asked = new Map<string, Asked>();
  readonly #lookedFor = new Map<string, ((isThere: boolean) => void)[]>();

  constructor(options: StoredKeyVerifierOptions) {
    this.#options = options;
    const bounds = { maxEntries: Math.ceil(options.cacheEntries / 2), maxAgeMs: options.cacheMs };
    this.#known = new RecentMap(bounds);
    this.#hashes = new RecentMap(bounds);
  }

  isMalformed(credential: string): boolean {
    return !isWellFormedApiKey(credential);
  }

  known(credential: string): Verdict | undefined {
    const hash = this.#hashes.get(credential);
    const known = hash === undefined ? undefined : this.#known.get(hash);
    if (known !== undefined) {
      if (this.#options.clock() >= known.untilMs) return undefined;
      const { verdict } = known;
      if (isRefusal(verdict) || verdict.expiresAtMs > this.#options.wallClock()) return verdict;
      return 'credentials_invalid';
    }
    return hash === undefined && this.isMalformed(credential) ? 'credentials_invalid' : undefined;
  }

  verify(credential: string, done: (verdict: Verdict) => void): void {
    const hash = apiKeyHash(credential);
    this.#hashes.set(credential, hash, this.#options.clock());
    this.#ask(hash, done);
  }

  again({ keyHash }: Identity, done: (verdict: Verdict) => void): void {
    const known = this.#known.get(keyHash);
    if (known !== undefined && this.#options.clock() < known.untilMs) done(known.verdict);
    else this.#ask(keyHash, done);
  }

  #ask(hash: string, done: (verdict: Verdict) => void): void {
    const asked = this.#asked.get(hash);
    if (asked !== undefined) {
      asked.waiters.push(done);
      return;
    }
    const timer = setTimeout(() => this.#settle(hash, 'unavailable'), ANSWER_WITHIN_MS);
    this.#asked.set(hash, { waiters: [done], timer, isOld: false });
    this.#options.post({ type: 'find-key', hash });
  }

  isThere(credential: string, done: (isThere: boolean) => void): void {
    const hash = apiKeyHash(credential);
    const waiting = this.#lookedFor.get(hash);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    this.#lookedFor.set(hash, [done]);
    this.#options.post({ type: 'look-for-key', hash });
  }

  receive(message: ToKeyThread): void {
    switch (message.type) {
      case 'key-found':
        return this.#onFound(message.hash, message.answer);
      case 'key-looked-for': {
        const waiting = this.#lookedFor.get(message.hash) ?? [];
        this.#lookedFor.delete(message.hash);
        for (const done of waiting) done(message.isThere);
        return;
      }
      case 'forget-keys':
        return this.#forget(message.hashes);
      default:
        message satisfies never;
    }
  }

  /** Another configuration: what a key's consumer may do can be another. */
  forgetAll(): void {
    this.#forget(undefined);
  }

  #forget(hashes: readonly string[] | undefined): void {
    const { cacheEntries, cacheMs } = this.#options;
    if (hashes === undefined)
      this.#known = new RecentMap({ maxEntries: Math.ceil(cacheEntries / 2), maxAgeMs: cacheMs });
    else for (const hash of hashes) this.#known.delete(hash);
    for (const [hash, asked] of this.#asked) if (hashes === undefined || hashes.includes(hash)) asked.isOld = true;
  }

  #onFound(hash: string, answer: KeyAnswer): void {
    const asked = this.#asked.get(hash);
    if (asked === undefined) return;
    if (asked.isOld) {
      asked.isOld = false;
      this.#options.post({ type: 'find-key', hash });
    } else this.#settle(hash, answer);
  }

  #settle(hash: string, answer: KeyAnswer): void {
    const asked = this.#asked.get(hash);
    if (asked === undefined) return;
    this.#asked.delete(hash);
    clearTimeout(asked.timer);
    const verdict = this.#verdictOf(hash, answer);
    const nowMs = this.#options.clock();
    const keptMs = isRefusal(verdict) ? UNKNOWN_MS : this.#options.cacheMs;
    if (verdict !== 'identity_unavailable') this.#known.set(hash, { verdict, untilMs: nowMs + keptMs }, nowMs);
    for (const done of asked.waiters) done(verdict);
  }

  #verdictOf(keyHash: string, answer: KeyAnswer): Verdict {
    if (answer === 'unavailable') return 'identity_unavailable';
    if (answer === 'unknown') return 'credentials_invalid';
    const { consumer, profile, groups, expiresMs: expiresAtMs } = answer;
    return this.#options.identityOf({ consumer, profile, groups, expiresAtMs, keyHash });
  }
}
