import type { Cluster, Redis } from 'ioredis';
import { monotonicMs } from '../../shared/clock.ts';
import { HISTORIES_KEY, historyKey } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import { slotOf } from './history.ts';
import type { History } from './history.ts';
import { HISTORY_SECONDS, stepText } from './steps.ts';
import type { Step, StepSize } from './steps.ts';

const RECORD = readScript(new URL('record-2.lua', import.meta.url));
/** A Redis that takes none, since it is full, is not asked with all of it again at once. */
const AGAIN_AFTER_MS = 20_000;
/** What says only that there was nothing may wait: a node that nobody uses costs Redis little. */
const IDLE_EVERY_MS = 10_000;
/** Field of what a node says of the moment. */
export const NOW_FIELD = 'now';

export const fieldOf = (size: StepSize, at: number): string => `${size}:${slotOf(size, at)}`;

export interface HistorySenderOptions {
  readonly redis: Redis | Cluster;
  readonly node: string;
  readonly history: () => Pick<History, 'all'>;
  /** What is said of the moment; `undefined`: nothing. */
  readonly now: () => string | undefined;
}

/** Puts what this node counts where the others find it: one script each time, whatever there is. */
export class HistorySender {
  readonly #options: HistorySenderOptions;
  readonly #fresh = new Map<string, string>();
  /** Redis may lack what was sent before. */
  #isWhole = false;
  #isSending = false;
  #isIdle = true;
  #sentMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = 0;

  constructor(options: HistorySenderOptions) {
    this.#options = options;
  }

  /** Takes a step that is over; it goes out with the next `send`. */
  add(size: StepSize, step: Step): void {
    if (step.counted.requests + step.gauged.inFlight + step.gauged.sockets > 0) this.#isIdle = false;
    if (!this.#isWhole) this.#fresh.set(fieldOf(size, step.at), stepText(step));
  }

  /** Sends what is new. Never rejects: what does not arrive is sent later, with all that is kept. */
  async send(): Promise<void> {
    const { redis, node, history, now } = this.#options;
    if (this.#isSending) return;
    if (redis.status !== 'ready') return this.#forget();
    const nowMs = monotonicMs();
    if (nowMs < this.#notBeforeMs || (this.#isIdle && !this.#isWhole && nowMs - this.#sentMs < IDLE_EVERY_MS)) return;
    this.#isIdle = true;
    this.#sentMs = nowMs;
    const isWhole = this.#isWhole;
    const said = now();
    const steps = isWhole
      ? history()
          .all()
          .flatMap(([size, step]) => [fieldOf(size, step.at), stepText(step)])
      : [...this.#fresh].flat();
    const fields = said === undefined ? steps : [...steps, NOW_FIELD, said];
    this.#fresh.clear();
    this.#isWhole = false;
    if (fields.length === 0) return;
    this.#isSending = true;
    try {
      const keys = [historyKey(node), HISTORIES_KEY];
      const isNew = await runScript(redis, RECORD, { keys, args: [node, HISTORY_SECONDS * 1000, ...fields] });
      if (isNew === 1 && !isWhole) this.#forget();
    } catch {
      this.#forget(); // the limits and the breakers say it when Redis is away or full
      this.#notBeforeMs = monotonicMs() + AGAIN_AFTER_MS;
    } finally {
      this.#isSending = false;
    }
  }

  #forget(): void {
    this.#isWhole = true;
    this.#fresh.clear();
  }
}
