import { setTimeout as delay } from 'node:timers/promises';

export interface WrongTokensOptions {
  /** A clock that only goes forward. */
  readonly nowMs: () => number;
  /** Of the first wrong one; each further one waits twice as long. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** So long after its last wrong token an address starts anew. */
  readonly forgottenAfterMs: number;
  readonly mostAddresses: number;
}

interface Guesser {
  nextMs: number;
  lastAtMs: number;
}

/** How long the refusal of a wrong token is held back. Right ones are not looked up here, whatever came before them. */
export class WrongTokens {
  readonly #options: WrongTokensOptions;
  /** The one that was wrong longest ago first. */
  readonly #guessers = new Map<string, Guesser>();

  constructor(options: WrongTokensOptions) {
    this.#options = options;
  }

  /** Counts a wrong token. @returns milliseconds to wait before it is refused */
  delayMs(address: string): number {
    const { nowMs, firstMs, longestMs, forgottenAfterMs, mostAddresses } = this.#options;
    const now = nowMs();
    const known = this.#guessers.get(address);
    const isNew = known === undefined || now - known.lastAtMs > forgottenAfterMs;
    const waitMs = isNew ? firstMs : known.nextMs;
    this.#guessers.delete(address);
    this.#guessers.set(address, { nextMs: Math.min(longestMs, waitMs * 2), lastAtMs: now });
    if (this.#guessers.size > mostAddresses) {
      for (const oldest of this.#guessers.keys()) {
        this.#guessers.delete(oldest);
        break;
      }
    }
    return waitMs;
  }
}

/** Waits without keeping the process alive. */
export async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
