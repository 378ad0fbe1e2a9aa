import { z } from 'zod';
import { parseJson } from '../../shared/parse-json.ts';

/** So many are told apart; more would be somebody's joke. */
const MOST_TWINS = 16;

const said = z.object({ instance: z.string().min(1).max(64) });

/**
 * Processes that use this one's name. Each overwrites what the others say of themselves under it, and so each finds the
 * others' words in place of its own.
 */
export class Twins {
  readonly #own: string;
  readonly #aliveMs: number;
  /** When each was last heard of. */
  readonly #heard = new Map<string, number>();
  #first = true;

  /** @param aliveMs one that is not heard of for so long has gone */
  constructor(own: string, aliveMs: number) {
    this.#own = own;
    this.#aliveMs = aliveMs;
  }

  /**
   * Takes what stood under the name before this process said its own again.
   * @returns how many others have it now
   */
  found(text: string, nowMs: number): number {
    const instance = parseJson(said, text)?.instance;
    // The first time it is what a process before this one has left.
    const isOther = instance !== undefined && instance !== this.#own && !this.#first;
    this.#first = false;
    if (isOther && (this.#heard.has(instance) || this.#heard.size < MOST_TWINS)) this.#heard.set(instance, nowMs);
    for (const [each, atMs] of this.#heard) if (nowMs - atMs > this.#aliveMs) this.#heard.delete(each);
    return this.#heard.size;
  }
}
