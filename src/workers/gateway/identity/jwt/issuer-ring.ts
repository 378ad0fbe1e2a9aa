import type { CryptoKey } from 'jose';
import { importJWK } from 'jose/key/import';
import type { IssuerKeys } from '../../../../shared/identity/jwt-messages.ts';
import type { PublicKey, TokenAlgorithm } from '../../../../shared/identity/public-key.ts';

/** The front answers within this, or something is wrong with it: its fetch has 5 s, and may have to wait for another. */
const PATIENCE_MS = 12_000;
/** Tokens of one issuer that wait for a key; more are told to come again. */
const MOST_WAITING = 1_000;
/** A token without a key's name is tried with so many keys at most. */
const MOST_TRIED = 8;

/** One key on this thread. */
export class RingKey {
  readonly key: PublicKey;
  /** Its issuer has it no more: what was verified with it is not. */
  gone = false;
  readonly #imported = new Map<TokenAlgorithm, Promise<CryptoKey>>();

  constructor(key: PublicKey) {
    this.key = key;
  }

  for(algorithm: TokenAlgorithm): Promise<CryptoKey> {
    let imported = this.#imported.get(algorithm);
    if (imported === undefined) {
      imported = importJWK({ ...this.key.jwk }, algorithm) as Promise<CryptoKey>; // a secret key is none of ours
      this.#imported.set(algorithm, imported);
    }
    return imported;
  }
}

/** What to do with a token for which there is no key. */
export type MissingKey = 'again' | 'unknown' | 'unavailable';

interface WaitingToken {
  readonly kid: string | undefined;
  readonly resolve: (outcome: MissingKey) => void;
}

export interface IssuerRingOptions {
  /** Asks the front; it answers with `take`. */
  readonly ask: () => void;
  readonly monotonicMs: () => number;
  /** Default 12 s. */
  readonly patienceMs?: number;
}

/** The keys of one issuer on this thread, and the tokens that wait for one that is missing. */
export class IssuerRing {
  readonly #options: IssuerRingOptions;
  #keys: readonly RingKey[] | undefined;
  #current = false;
  #closed = false;
  #askAgainAtMs = Number.NEGATIVE_INFINITY;
  #patience: NodeJS.Timeout | undefined;
  #waiting: WaitingToken[] = [];
  /** Names of keys that the newest fetch was made for, and that it has not brought. */
  #absent: ReadonlySet<string | undefined> = new Set();

  constructor(options: IssuerRingOptions) {
    this.#options = options;
  }

  /** What the front has now. */
  take({ keys, current, askAgainMs }: IssuerKeys): void {
    this.#keys = this.#renewed(keys);
    this.#current = current;
    this.#askAgainAtMs = this.#options.monotonicMs() + askAgainMs;
    if (askAgainMs > 0) {
      this.#stopWaiting();
      this.#absent = new Set(this.#waiting.map(({ kid }) => kid));
    }
    this.#release('again');
  }

  /** Keys that may have signed such a token, those of its name before those without one. */
  candidates(kid: string | undefined, algorithm: TokenAlgorithm): readonly RingKey[] {
    const fitting = (this.#keys ?? []).filter(({ key }) => key.algorithms.includes(algorithm));
    if (kid === undefined) return fitting.slice(0, MOST_TRIED);
    const named = fitting.filter(({ key }) => key.kid === kid);
    return (named.length > 0 ? named : fitting.filter(({ key }) => key.kid === undefined)).slice(0, MOST_TRIED);
  }

  /** Whether a key of this name is there, for whatever algorithm. */
  hasNamed(kid: string | undefined): boolean {
    return kid !== undefined && this.#keys?.some(({ key }) => key.kid === kid) === true;
  }

  /**
   * Asks for the key of a token that there is none for, as often as the front likes to be asked. In between only what was
   * looked for is unknown: anybody can make us ask for a key that nobody has, and may not make a new key wrong by that.
   * @param kid `undefined` = the token has none, or keys without a name were tried with it
   */
  missing(kid: string | undefined): Promise<MissingKey> {
    if (this.#options.monotonicMs() < this.#askAgainAtMs) {
      return Promise.resolve(this.#isKnownMissing(kid) ? 'unknown' : 'unavailable');
    }
    if (this.#closed || this.#waiting.length >= MOST_WAITING) return Promise.resolve('unavailable');
    if (this.#patience === undefined) {
      this.#patience = setTimeout(() => {
        this.#stopWaiting();
        this.#release('unavailable');
      }, this.#options.patienceMs ?? PATIENCE_MS);
      this.#patience.unref();
      this.#options.ask();
    }
    return new Promise((resolve) => this.#waiting.push({ kid, resolve }));
  }

  /** The issuer is none of ours any more. */
  close(): void {
    this.#closed = true;
    for (const key of this.#keys ?? []) key.gone = true;
    this.#keys = undefined;
    this.#stopWaiting();
    this.#release('unavailable');
  }

  #isKnownMissing(kid: string | undefined): boolean {
    if (this.#keys === undefined || !this.#current) return false;
    // Those of a file are all that there are.
    return kid === undefined || this.#askAgainAtMs === Number.POSITIVE_INFINITY || this.#absent.has(kid);
  }

  #renewed(keys: readonly PublicKey[] | undefined): readonly RingKey[] | undefined {
    const before = new Map((this.#keys ?? []).map((each) => [nameOf(each.key), each]));
    const after = keys?.map((key) => before.get(nameOf(key)) ?? new RingKey(key));
    const kept = new Set(after);
    for (const each of before.values()) if (!kept.has(each)) each.gone = true;
    return after;
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #release(outcome: MissingKey): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve(outcome);
  }
}

const nameOf = ({ kid, algorithms, identity }: PublicKey): string => JSON.stringify([kid ?? 0, algorithms, identity]);
