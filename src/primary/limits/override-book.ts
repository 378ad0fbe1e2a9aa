import { OVERRIDE_SECONDS } from '../../shared/admin/breakers.ts';
import { MOST_OVERRIDES, type OverrideState, type ThreadOverride } from '../../shared/limits/overrides.ts';
import type { OverrideChange, OverridesHash, OverridesSnapshot } from './overrides-hash.ts';

const READ_EVERY_MS = 5_000;
/** A lifted override waits to be written as long as the longest one lasts. */
const LIFTED_MS = OVERRIDE_SECONDS.most * 1000;

export interface OverrideBookOptions {
  readonly hash: Pick<OverridesHash, 'read' | 'change'>;
  /** createProcessClock(): the time in what the threads get. */
  readonly clock: () => number;
  /** The overrides are others now; resolves when the threads know them. */
  readonly apply: (overrides: readonly ThreadOverride[]) => Promise<void>;
}

interface Entry {
  readonly state: OverrideState | 'AUTO';
  readonly untilMs: number;
  readonly by: string;
}

/**
 * Who is banned or exempt, as this node knows it: what Redis last said, and over it what was said here while Redis could
 * not be asked, which is written there when it can be again.
 */
export class OverrideBook {
  readonly #options: OverrideBookOptions;
  readonly #timer: NodeJS.Timeout;
  #cluster = new Map<string, Entry>();
  #text = '[]';
  readonly #unwritten = new Map<string, Entry>();
  #applied: readonly ThreadOverride[] = [];
  #reading: Promise<void> | undefined;
  #readAgain = false;

  constructor(options: OverrideBookOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.refresh(), READ_EVERY_MS).unref();
  }

  /** As threads get it. */
  get all(): readonly ThreadOverride[] {
    return this.#applied;
  }

  get(client: string): { readonly state: OverrideState; readonly remainingMs: number } | undefined {
    const entry = this.#unwritten.get(client) ?? this.#cluster.get(client);
    if (entry === undefined || entry.state === 'AUTO') return undefined;
    const remainingMs = entry.untilMs - this.#options.clock();
    return remainingMs > 0 ? { state: entry.state, remainingMs } : undefined;
  }

  /** @returns for whom it holds; `full`: too many have one, and nothing was changed */
  async change(change: OverrideChange): Promise<'cluster' | 'node' | 'full'> {
    const { client, state, forMs, by } = change;
    const written = await this.#options.hash.change(change);
    if (written === 'full') return 'full';
    if (written !== undefined) {
      this.#unwritten.delete(client);
      this.#take(written);
      await this.#applyChanges();
      return 'cluster';
    }
    if (state !== 'AUTO' && this.get(client) === undefined && this.#effective().length >= MOST_OVERRIDES) return 'full';
    const untilMs = this.#options.clock() + (state === 'AUTO' ? LIFTED_MS : forMs);
    this.#unwritten.set(client, { state, by, untilMs });
    await this.#applyChanges();
    return 'node';
  }

  /** Reads what holds in the cluster; what waits to be written goes there first. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#reading !== undefined) {
      this.#readAgain = true; // what is being read may be older than what was just told
      return this.#reading;
    }
    this.#reading = this.#refresh();
    try {
      await this.#reading;
    } finally {
      this.#reading = undefined;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #refresh(): Promise<void> {
    do {
      this.#readAgain = false;
      await this.#writeUnwritten();
      const found = await this.#options.hash.read();
      if (found !== undefined) this.#take(found);
      await this.#applyChanges();
    } while (this.#readAgain);
  }

  async #writeUnwritten(): Promise<void> {
    const { hash, clock } = this.#options;
    for (const [client, entry] of this.#unwritten) {
      const forMs = entry.untilMs - clock();
      const { state, by } = entry;
      if (forMs > 0 && (await hash.change({ client, state, forMs, by })) === undefined) return;
      // `full`: it has to go as if it had not been said; what was said since stays.
      if (this.#unwritten.get(client) === entry) this.#unwritten.delete(client);
    }
  }

  #take({ text, clients }: OverridesSnapshot): void {
    if (text === this.#text) return;
    const nowMs = this.#options.clock();
    this.#text = text;
    this.#cluster = new Map(
      clients.map(({ client, state, remainingMs, by }) => [client, { state, by, untilMs: nowMs + remainingMs }]),
    );
  }

  #effective(): readonly ThreadOverride[] {
    const nowMs = this.#options.clock();
    const list: ThreadOverride[] = [];
    for (const [client, { state, untilMs }] of new Map([...this.#cluster, ...this.#unwritten])) {
      if (state !== 'AUTO' && untilMs > nowMs) list.push([client, state, untilMs]);
    }
    return list;
  }

  async #applyChanges(): Promise<void> {
    const now = this.#effective();
    if (isSame(now, this.#applied)) return;
    this.#applied = now;
    await this.#options.apply(now);
  }
}

const isSame = (a: readonly ThreadOverride[], b: readonly ThreadOverride[]): boolean =>
  a.length === b.length &&
  a.every(([client, state, untilMs], i) => client === b[i]?.[0] && state === b[i]?.[1] && untilMs === b[i]?.[2]);
