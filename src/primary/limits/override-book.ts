import { OVERRIDE_SECONDS } from '../../shared/admin/breakers.ts';
import { MOST_OVERRIDES } from '../../shared/limits/overrides.ts';
import type { OverrideState } from '../../shared/limits/overrides.ts';
import { Coalesced } from './coalesced.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { OverrideChange, OverridesHash, OverridesSnapshot, WrittenChange } from './overrides-hash.ts';

const LOOK_EVERY_MS = 5_000;
/** Every so many looks all are read, also when the stamp says that they are the same: an entry may have been edited. */
const LOOKS_PER_READING = 6;
const READ_ON_EVENTS_EVERY_MS = 1_000;
/** A lifted override waits to be written as long as the longest one lasts. */
const LIFTED_MS = OVERRIDE_SECONDS.most * 1000;

/** As threads get it; the time is that of createProcessClock(). */
type Applied<State extends string> = readonly [client: string, state: State, untilMs: number];

export interface OverrideBookOptions<State extends string> {
  readonly hash: Pick<OverridesHash<State>, 'read' | 'change'>;
  /** createProcessClock(): the time in what the threads get. */
  readonly clock: () => number;
  /** The overrides are others now; resolves when the threads know them. */
  readonly apply: (overrides: readonly Applied<State>[]) => Promise<void>;
  /** Events aside it is looked at only while this holds; default: always. */
  readonly isOfUse?: () => boolean;
}

interface Entry<State extends string> {
  readonly state: State | 'AUTO';
  readonly untilMs: number;
  readonly by: string;
}

/** An override as operators see it. */
export interface ListedOverride<State extends string = OverrideState> {
  readonly client: string;
  readonly state: State;
  readonly remainingMs: number;
  /** Who said it. */
  readonly by: string;
  /** `node`: Redis has not been told yet. */
  readonly scope: 'cluster' | 'node';
}

/** `until` is what Redis has, by which the entry is known again. */
type ClusterEntry<State extends string> = Entry<State> & { readonly until: number };

/**
 * Who is banned or exempt, as this node knows it: what Redis last said, and over it what was said here while Redis could
 * not be asked, which is written there when it can be again.
 */
export class OverrideBook<State extends string = OverrideState> {
  readonly #options: OverrideBookOptions<State>;
  readonly #timer: NodeJS.Timeout;
  readonly #hints = new Coalesced(() => void this.refresh(), READ_ON_EVENTS_EVERY_MS);
  #looks = 0;
  #cluster = new Map<string, ClusterEntry<State>>();
  /** Of #cluster; '' = it has to be read. */
  #stamp = '';
  readonly #unwritten = new Map<string, Entry<State>>();
  /** Those of #unwritten that are just being written. */
  readonly #asked = new Set<Entry<State>>();
  #applied: readonly Applied<State>[] = [];
  readonly #reading = new OneAtATime(() => this.#refresh());

  constructor(options: OverrideBookOptions<State>) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** As threads get it. */
  get all(): readonly Applied<State>[] {
    return this.#applied;
  }

  /** Those that hold, in the order of their names. */
  list(): readonly ListedOverride<State>[] {
    const nowMs = this.#options.clock();
    const all = new Map<string, Entry<State>>([...this.#cluster, ...this.#unwritten]);
    return [...all]
      .flatMap(([client, { state, untilMs, by }]): readonly ListedOverride<State>[] => {
        const remainingMs = untilMs - nowMs;
        if (state === 'AUTO' || remainingMs <= 0) return [];
        return [{ client, state, remainingMs, by, scope: this.#unwritten.has(client) ? 'node' : 'cluster' }];
      })
      .sort((a, b) => (a.client < b.client ? -1 : 1));
  }

  get(client: string): { readonly state: State; readonly remainingMs: number } | undefined {
    const entry = this.#unwritten.get(client) ?? this.#cluster.get(client);
    if (entry === undefined || entry.state === 'AUTO') return undefined;
    const remainingMs = entry.untilMs - this.#options.clock();
    return remainingMs > 0 ? { state: entry.state, remainingMs } : undefined;
  }

  /**
   * Holds on this node at once, before Redis is asked.
   * @param endMs for Redis's word; see AskedRedis.ask
   * @returns for whom it holds; `full`: too many have one, and nothing was changed
   */
  async change(change: OverrideChange<State>, endMs?: number): Promise<'cluster' | 'node' | 'full'> {
    const { client, state, forMs, by } = change;
    const before = this.#unwritten.get(client);
    const fits = state === 'AUTO' || this.get(client) !== undefined || this.#effective().length < MOST_OVERRIDES;
    const untilMs = this.#options.clock() + (state === 'AUTO' ? LIFTED_MS : forMs);
    const entry: Entry<State> = { state, by, untilMs };
    if (fits) this.#unwritten.set(client, entry);
    this.#asked.add(entry);
    const applied = this.#applyChanges();
    const written = await this.#options.hash.change(change, endMs);
    this.#asked.delete(entry);
    if (written === 'full' && this.#unwritten.get(client) === entry) {
      if (before === undefined) this.#unwritten.delete(client);
      else this.#unwritten.set(client, before);
    } else if (written !== undefined && written !== 'full') this.#onWritten(client, entry, written);
    await Promise.all([applied, this.#applyChanges()]);
    if (written === undefined) return fits ? 'node' : 'full';
    return written === 'full' ? written : 'cluster';
  }

  /** A node has changed something: the first that says so is heard at once, those of the next second together. */
  hint(): void {
    this.#hints.call();
  }

  /** Looks what holds in the cluster; what waits to be written goes there first. Never rejects. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#hints.close();
  }

  #look(): void {
    if (this.#options.isOfUse?.() === false && this.#unwritten.size === 0) return;
    if (++this.#looks % LOOKS_PER_READING === 0) this.#stamp = '';
    void this.refresh();
  }

  async #refresh(): Promise<void> {
    await this.#writeUnwritten();
    const found = await this.#options.hash.read(this.#stamp);
    if (found !== undefined && found !== 'same') this.#take(found);
    await this.#applyChanges();
  }

  async #writeUnwritten(): Promise<void> {
    const { hash, clock } = this.#options;
    for (const [client, entry] of this.#unwritten) {
      if (this.#asked.has(entry)) continue;
      const forMs = entry.untilMs - clock();
      const { state, by } = entry;
      const written = forMs > 0 ? await hash.change({ client, state, forMs, by }) : 'full';
      if (written === undefined) return;
      if (written !== 'full') this.#onWritten(client, entry, written);
      // `full`: it has to go as if it had not been said; what was said since stays.
      else if (this.#unwritten.get(client) === entry) this.#unwritten.delete(client);
    }
  }

  #onWritten(client: string, entry: Entry<State>, { until, before, after }: WrittenChange): void {
    if (this.#unwritten.get(client) === entry) this.#unwritten.delete(client);
    if (entry.state === 'AUTO') this.#cluster.delete(client);
    else this.#cluster.set(client, { ...entry, until });
    // Otherwise somebody else has changed something too, and the next look has to see it.
    if (before === this.#stamp) this.#stamp = after;
  }

  #take({ stamp, clients }: OverridesSnapshot<State>): void {
    const nowMs = this.#options.clock();
    const known = this.#cluster;
    this.#stamp = stamp;
    this.#cluster = new Map();
    for (const { client, state, until, remainingMs, by } of clients) {
      const before = known.get(client);
      const same = before?.until === until && before.state === state;
      this.#cluster.set(client, same ? before : { state, by, until, untilMs: nowMs + remainingMs });
    }
  }

  #effective(): readonly Applied<State>[] {
    const nowMs = this.#options.clock();
    const list: Applied<State>[] = [];
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

/** In whatever order: that of Redis is its own. */
function isSame<State extends string>(a: readonly Applied<State>[], b: readonly Applied<State>[]): boolean {
  if (a.length !== b.length) return false;
  const others = new Map(b.map((each) => [each[0], each]));
  return a.every(([client, state, untilMs]) => {
    const other = others.get(client);
    return state === other?.[1] && untilMs === other[2];
  });
}
