interface Seen {
  readonly state: string;
  readonly sinceMs: number;
}

/** Since when each breaker has been in its state, as far as this process has seen. */
export class StateClock {
  readonly #seen = new Map<string, Seen>();

  /** @param nowMs time of day */
  look(breakers: readonly { readonly upstream: string; readonly state: string }[], nowMs: number): void {
    for (const { upstream, state } of breakers) {
      if (this.#seen.get(upstream)?.state !== state) this.#seen.set(upstream, { state, sinceMs: nowMs });
    }
    if (this.#seen.size === breakers.length) return;
    const now = new Set(breakers.map(({ upstream }) => upstream));
    for (const upstream of this.#seen.keys()) if (!now.has(upstream)) this.#seen.delete(upstream);
  }

  since(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#seen].map(([upstream, { sinceMs }]) => [upstream, new Date(sinceMs).toISOString()]),
    );
  }
}
