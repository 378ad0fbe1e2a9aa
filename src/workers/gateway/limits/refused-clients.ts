import {
  mergeCounts,
  NOTHING_REFUSED,
  REFUSED_GENERATION_MS,
  REFUSED_WINDOW_MS,
} from '../../../shared/limits/refused-list.ts';
import type { RefusedList } from '../../../shared/limits/refused-list.ts';
import { SpaceSaving } from '../../../shared/limits/space-saving.ts';

/** Clients that one generation counts: no count is more than 1/1,024 of all refusals too high. */
const COUNTERS = 1_024;
const TELL_EVERY_MS = 1_000;

export interface RefusedClientsOptions {
  readonly clock: () => number;
  /** To the front; at most once a second, and only what has changed. */
  readonly tell: (list: RefusedList) => void;
}

interface Generation {
  readonly sinceMs: number;
  readonly counts: SpaceSaving;
}

/**
 * Which clients this thread refuses most, over the last five to ten minutes: two generations of counts, the older one
 * dropped when the newer is five minutes old. Bounded in memory whoever comes; nothing runs while nobody is refused.
 */
export class RefusedClients {
  readonly #options: RefusedClientsOptions;
  #young: Generation | undefined;
  #old: Generation | undefined;
  #changed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RefusedClientsOptions) {
    this.#options = options;
  }

  /** A request of this client got a 429. */
  add(client: string): void {
    this.#young ??= this.#begin();
    this.#young.counts.add(client);
    this.#changed = true;
  }

  /** The list as of now. */
  list(): RefusedList {
    const generations = [this.#young, this.#old].filter((each) => each !== undefined);
    const first = generations.at(-1); // the older one
    if (first === undefined) return NOTHING_REFUSED;
    return mergeCounts(
      generations.map(({ counts }) => ({ estimates: counts.estimates(), floor: counts.floor })),
      this.#options.clock() - first.sinceMs,
    );
  }

  /** Says what has not been said yet, and ends. */
  close(): void {
    if (this.#changed) this.#tell();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #begin(): Generation {
    this.#timer ??= setInterval(() => this.#tick(), TELL_EVERY_MS).unref();
    return { sinceMs: this.#options.clock(), counts: new SpaceSaving(COUNTERS) };
  }

  #tick(): void {
    const nowMs = this.#options.clock();
    if (this.#young !== undefined && nowMs - this.#young.sinceMs >= REFUSED_GENERATION_MS) {
      this.#old = this.#young;
      this.#young = undefined;
      this.#changed = true;
    }
    if (this.#old !== undefined && nowMs - this.#old.sinceMs >= REFUSED_WINDOW_MS) {
      this.#old = undefined;
      this.#changed = true;
    }
    if (this.#changed) this.#tell();
    if (this.#young !== undefined || this.#old !== undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    this.#changed = false;
    this.#options.tell(this.list());
  }
}
