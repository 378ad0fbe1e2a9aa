import { ALL_ROUTES } from '../../../shared/maintenance/maintenance.ts';
import type { ThreadMaintenance } from '../../../shared/maintenance/maintenance.ts';
import { TrustedProxies } from '../../../shared/net/trusted-proxies.ts';

interface Held {
  readonly untilMs: number;
  readonly text: string;
  readonly passes: TrustedProxies;
}

/** What a client is told that does not pass. */
export interface Closed {
  /** '' = what the code means. */
  readonly text: string;
  /** Milliseconds until it ends by itself. */
  readonly remainingMs: number;
}

/** Maintenance as one thread knows it. While there is none a request pays for nothing but a look at `isOn`. */
export class Maintenance {
  isOn = false;
  readonly #clock: () => number;
  readonly #routes = new Map<string, Held>();

  /** @param clock createProcessClock(), whose time the front's messages have */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Takes the place of all before. */
  replace(entries: readonly ThreadMaintenance[]): void {
    this.#routes.clear();
    for (const { route, untilMs, text, allow } of entries) {
      this.#routes.set(route, { untilMs, text, passes: new TrustedProxies(allow) });
    }
    this.isOn = this.#routes.size > 0;
  }

  /**
   * Whether a client is kept out of a route: by what is said of it, or of all. The text is the route's own where both do.
   * @param address of the client, as far as it can be believed
   */
  closed(route: string, address: string): Closed | undefined {
    const own = this.#closed(route, address);
    const all = this.#closed(ALL_ROUTES, address);
    if (own === undefined || all === undefined) return own ?? all;
    return { text: own.text === '' ? all.text : own.text, remainingMs: Math.max(own.remainingMs, all.remainingMs) };
  }

  #closed(route: string, address: string): Closed | undefined {
    const held = this.#routes.get(route);
    if (held === undefined) return undefined;
    const remainingMs = held.untilMs - this.#clock();
    if (remainingMs > 0) {
      return held.passes.isTrusted(address) ? undefined : { text: held.text, remainingMs };
    }
    this.#routes.delete(route);
    this.isOn = this.#routes.size > 0;
    return undefined;
  }
}
