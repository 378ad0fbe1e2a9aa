import { monotonicMs, random as chance, wallClockMs } from '../../../shared/clock.ts';
import type { IssuerKeys } from '../../../shared/identity/jwt-messages.ts';
import type { KeyText, PublicKey } from '../../../shared/identity/public-key.ts';
import type { FetchedKeys } from './kept-keys.ts';

/** Keys that a token lacks are fetched so often at most, whatever comes of it: anybody can send a token. */
const DEMAND_EVERY_MS = 30_000;
/** After a failure it is tried again within this, and then after twice as long, up to the longest. */
const RETRY_MS = { first: 1_000, longest: 30_000 } as const;
/** Of an interval: nodes that start together do not all ask together. */
const JITTER = 0.2;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface FeedTimes {
  readonly refreshMs: number;
  /** So long after the newest success keys are still used. */
  readonly staleMs: number;
}

export interface IssuerFeedOptions extends FeedTimes {
  /** Never rejects, and ends within seconds. */
  readonly fetch: () => Promise<KeyText>;
  /** There are other keys, or none any more, or somebody waits for what is known now, or an attempt failed. */
  readonly onNews: () => void;
  /** Keys of an earlier process: used until others come, and no longer than those would be. */
  readonly kept?: FetchedKeys | undefined;
  /** They have come. */
  readonly onFetched?: (fetched: FetchedKeys) => void;
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

/** A fetch that is under way. */
interface Flight {
  /** A thread waits for what it brings. */
  demanded: boolean;
}

/**
 * The keys of one issuer that publishes them: fetched in the background, used for a while when it cannot be reached, and
 * fetched at once, now and then, when a token has a key that is not among them.
 */
export class IssuerFeed {
  readonly #options: IssuerFeedOptions;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #times: FeedTimes;
  #keys: readonly PublicKey[] | undefined;
  /** They are those of an earlier process. */
  #areKept = false;
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #fetchedAtMs: number | undefined;
  #failure = '';
  /** In a row. */
  #failures = 0;
  #flight: Flight | undefined;
  /** When a thread last made us fetch. */
  #demandedMs = Number.NEGATIVE_INFINITY;
  /** Another fetch follows the one under way, which began before a thread asked. */
  #demandedNext = false;
  #refresh: NodeJS.Timeout | undefined;
  #stale: NodeJS.Timeout | undefined;
  #closed = false;

  /** Fetches for the first time at once. */
  constructor(options: IssuerFeedOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? monotonicMs;
    this.#random = options.random ?? chance;
    this.#times = options;
    if (options.kept !== undefined) this.#takeKept(options.kept);
    this.#depart(false);
  }

  /** Why the newest attempt failed; '' = it did not, or none has ended. */
  get failure(): string {
    return this.#failure;
  }

  /** When keys came last, by the time of day. */
  get fetchedAtMs(): number | undefined {
    return this.#fetchedAtMs;
  }

  get refreshMs(): number {
    return this.#times.refreshMs;
  }

  /** For the threads. */
  get state(): Omit<IssuerKeys, 'issuer'> {
    const waits = this.#flight?.demanded === true || this.#demandedNext;
    const askAgainMs = waits ? 0 : Math.max(0, this.#demandedMs + DEMAND_EVERY_MS - this.#nowMs());
    const current = this.#failures === 0 && this.#keys !== undefined && !this.#areKept;
    return { keys: this.#keys, current, askAgainMs };
  }

  configure(times: FeedTimes): void {
    if (times.refreshMs === this.#times.refreshMs && times.staleMs === this.#times.staleMs) return;
    this.#times = times;
    this.#watchAge();
    if (this.#flight === undefined) this.#schedule();
  }

  /**
   * A thread has a token and no key for it.
   * @returns whether news will come of it; if not, `state` is the answer
   */
  demand(): boolean {
    if (this.#flight?.demanded === true || this.#demandedNext) return true;
    if (this.#nowMs() - this.#demandedMs < DEMAND_EVERY_MS) return false;
    this.#demandedMs = this.#nowMs();
    if (this.#flight === undefined) this.#depart(true);
    else if (this.#keys === undefined) this.#flight.demanded = true;
    else this.#demandedNext = true;
    return true;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refresh);
    clearTimeout(this.#stale);
  }

  #takeKept({ keys, fetchedAtMs }: FetchedKeys): void {
    // By a clock that was set back they would be of the future.
    const ageMs = Math.max(0, wallClockMs() - fetchedAtMs);
    if (ageMs >= this.#times.staleMs) return;
    this.#keys = keys;
    this.#areKept = true;
    this.#fetchedMs = this.#nowMs() - ageMs;
    this.#fetchedAtMs = wallClockMs() - ageMs;
    this.#watchAge();
  }

  #depart(demanded: boolean): void {
    clearTimeout(this.#refresh);
    this.#flight = { demanded };
    void this.#options.fetch().then((result) => {
      if (!this.#closed) this.#land(result);
    });
  }

  #land(result: KeyText): void {
    const [flight, before, wasCurrent] = [this.#flight, this.#keys, this.state.current];
    this.#flight = undefined;
    if (result.ok) this.#keep(result.keys);
    else {
      this.#failure = result.why;
      this.#failures++;
    }
    if (this.#demandedNext) {
      this.#demandedNext = false;
      this.#depart(true);
    } else this.#schedule();
    const isNews = before !== this.#keys || wasCurrent !== this.state.current || !result.ok;
    if (isNews || flight?.demanded === true) this.#options.onNews();
  }

  #keep(keys: readonly PublicKey[]): void {
    if (JSON.stringify(keys) !== JSON.stringify(this.#keys)) this.#keys = keys;
    this.#fetchedMs = this.#nowMs();
    this.#fetchedAtMs = wallClockMs();
    this.#failure = '';
    this.#failures = 0;
    this.#areKept = false;
    this.#watchAge();
    this.#options.onFetched?.({ keys: this.#keys ?? keys, fetchedAtMs: this.#fetchedAtMs });
  }

  #schedule(): void {
    const { refreshMs } = this.#times;
    const retryMs = Math.min(RETRY_MS.first * 2 ** (this.#failures - 1), RETRY_MS.longest);
    const dueMs = this.#failures === 0 ? refreshMs : Math.min(refreshMs, retryMs);
    clearTimeout(this.#refresh);
    this.#refresh = setTimeout(() => this.#depart(false), dueMs * (1 - JITTER * this.#random()));
    this.#refresh.unref();
  }

  #watchAge(): void {
    clearTimeout(this.#stale);
    if (this.#keys === undefined) return;
    const leftMs = this.#fetchedMs + this.#times.staleMs - this.#nowMs();
    this.#stale = setTimeout(() => this.#look(), Math.min(Math.max(leftMs, 1), LONGEST_TIMER_MS));
    this.#stale.unref();
  }

  #look(): void {
    if (this.#nowMs() < this.#fetchedMs + this.#times.staleMs) return this.#watchAge();
    this.#keys = undefined;
    this.#options.onNews();
  }
}
