import { ALL_ROUTES, MAINTENANCE_SECONDS } from '../../shared/maintenance/maintenance.ts';
import type { MaintenanceRecord, ThreadMaintenance } from '../../shared/maintenance/maintenance.ts';
import { Coalesced } from '../limits/coalesced.ts';
import { OneAtATime } from '../limits/one-at-a-time.ts';
import type { MaintenanceFile } from './maintenance-file.ts';
import type { LastingRecord, MaintenanceHash } from './maintenance-hash.ts';

/** Events are hints: what they say is looked for all the same. */
const LOOK_EVERY_MS = 5_000;
const LOOK_ON_EVENTS_EVERY_MS = 200;
const LONGEST_MS = MAINTENANCE_SECONDS.most * 1000;

/** What an operator says of a route, or of ALL_ROUTES. */
export interface MaintenanceWish extends Pick<MaintenanceRecord, 'on' | 'text' | 'allow' | 'by'> {
  readonly route: string;
  /** Meaningless where it is not `on`. */
  readonly forMs: number;
}

/** Maintenance as operators see it. */
export interface HeldMaintenance {
  readonly route: string;
  readonly record: MaintenanceRecord;
  readonly remainingMs: number;
  /** `node`: Redis has not been told yet. */
  readonly scope: 'cluster' | 'node';
}

export interface MaintenanceBookOptions {
  /** `undefined`: this process is alone. */
  readonly hash: Pick<MaintenanceHash, 'read' | 'put'> | undefined;
  /** This node's copy; `undefined`: it has no folder for one. */
  readonly file: Pick<MaintenanceFile, 'write'> | undefined;
  /** What that says at the start. */
  readonly kept: readonly LastingRecord[];
  /** createProcessClock(): the time in what the threads get. */
  readonly clock: () => number;
  /** Other maintenance holds now; resolves when the threads know it. */
  readonly apply: (entries: readonly ThreadMaintenance[]) => Promise<void>;
  /** It holds now, or no longer: of those that changed, each once. */
  readonly onChange: (held: HeldMaintenance, before: HeldMaintenance | undefined) => void;
  readonly onFileError: (error: unknown) => void;
}

interface Entry {
  readonly record: MaintenanceRecord;
  readonly untilMs: number;
  /** Redis has it. */
  readonly isShared: boolean;
}

/**
 * What operators have said of routes, as this node knows it. Of each route the record with the highest rank holds, and one
 * that ends maintenance is kept as long as the longest may last; so Redis, this node and its disk are made equal by giving
 * each what it lacks, and neither FLUSHDB nor an old backup ends maintenance, or brings back what was ended.
 */
export class MaintenanceBook {
  readonly #options: MaintenanceBookOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #hints = new Coalesced(() => void this.refresh(), LOOK_ON_EVENTS_EVERY_MS);
  readonly #known = new Map<string, Entry>();
  /** What was told of last. */
  #told = new Map<string, HeldMaintenance>();
  #written = '';
  #isKept: boolean;
  #scope: 'cluster' | 'node' = 'node';
  readonly #reading = new OneAtATime(() => this.#refresh());

  constructor(options: MaintenanceBookOptions) {
    this.#options = options;
    for (const each of options.kept) this.#merge(each, false);
    this.#isKept = options.file !== undefined;
    this.#written = this.#state();
    this.#timer = setInterval(() => void this.refresh(), LOOK_EVERY_MS).unref();
    this.#tell();
  }

  /** As threads get it. */
  forThreads(): readonly ThreadMaintenance[] {
    return this.held().map(({ route, record: { text, allow } }) => ({
      route,
      untilMs: this.#known.get(route)?.untilMs ?? 0,
      text,
      allow,
    }));
  }

  /** What holds now: of all routes first, then in the order of their names. */
  held(): readonly HeldMaintenance[] {
    const nowMs = this.#options.clock();
    return [...this.#known]
      .flatMap(([route, { record, untilMs, isShared }]): readonly HeldMaintenance[] => {
        const remainingMs = untilMs - nowMs;
        return record.on && remainingMs > 0
          ? [{ route, record, remainingMs, scope: isShared ? 'cluster' : 'node' }]
          : [];
      })
      .sort((a, b) => (a.route < b.route ? -1 : 1)); // ALL_ROUTES sorts before any name
  }

  /** `node`: there is no Redis, or it could not be asked when it was asked last. */
  get scope(): 'cluster' | 'node' {
    return this.#scope;
  }

  /** A restart of this node does not end what holds: it is in Redis, or on this node's disk. */
  get isKept(): boolean {
    return this.#isKept || this.held().every(({ scope }) => scope === 'cluster');
  }

  /**
   * Holds on this node at once, before Redis is asked.
   * @returns how far it reaches
   */
  async say(wishes: readonly MaintenanceWish[]): Promise<'cluster' | 'node'> {
    const said = wishes.map(({ route, forMs, ...record }): LastingRecord => {
      const rank = (this.#known.get(route)?.record.rank ?? 0) + 1;
      return {
        route,
        record: { ...record, allow: [...record.allow], rank },
        remainingMs: record.on ? forMs : LONGEST_MS,
      };
    });
    for (const each of said) this.#merge(each, false);
    const applied = this.#applyChanges();
    this.#hear(await this.#options.hash?.put(said, { isNew: true }));
    const scope = this.#scope;
    await Promise.all([applied, this.#applyChanges()]);
    return scope;
  }

  /** A node has said something. */
  hint(): void {
    this.#hints.call();
  }

  /** Looks what holds in the cluster, and gives it what it lacks. Never rejects. */
  refresh(): Promise<void> {
    return this.#reading.run();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#hints.close();
    await this.#reading.underWay;
  }

  async #refresh(): Promise<void> {
    const { hash, clock } = this.#options;
    for (const [route, { untilMs }] of this.#known) if (untilMs <= clock()) this.#known.delete(route);
    this.#hear(await hash?.read());
    if (this.#scope === 'cluster') await this.#give();
    await this.#applyChanges();
  }

  async #give(): Promise<void> {
    const nowMs = this.#options.clock();
    const lacking = [...this.#known].flatMap(([route, { record, untilMs, isShared }]) =>
      isShared ? [] : [{ route, record, remainingMs: untilMs - nowMs }],
    );
    if (lacking.length === 0) return;
    this.#hear(await this.#options.hash?.put(lacking, { isNew: false }));
  }

  /** @param all that Redis has: what is not in it, it has lost; `undefined` = it could not be asked */
  #hear(all: readonly LastingRecord[] | undefined): void {
    this.#scope = all === undefined ? 'node' : 'cluster';
    if (all === undefined) return;
    const there = new Set(all.map(({ route }) => route));
    for (const [route, entry] of this.#known) {
      if (!there.has(route)) this.#known.set(route, { ...entry, isShared: false });
    }
    for (const each of all) this.#merge(each, true);
  }

  /** Of two records of the same rank, said where neither knew of the other, the one in Redis holds. */
  #merge({ route, record, remainingMs }: LastingRecord, isShared: boolean): void {
    const known = this.#known.get(route);
    const isBehind = known !== undefined && record.rank < known.record.rank;
    if (isBehind) {
      if (isShared) this.#known.set(route, { ...known, isShared: false });
      return;
    }
    const untilMs = this.#options.clock() + remainingMs;
    // Each reading comes to another millisecond: what is the same keeps its end.
    const isSame = known !== undefined && isEqual(known.record, record) && Math.abs(known.untilMs - untilMs) < 1_000;
    this.#known.set(route, { record, untilMs: isSame ? known.untilMs : untilMs, isShared });
  }

  async #applyChanges(): Promise<void> {
    const applied = this.#tell() ? this.#options.apply(this.forThreads()) : undefined;
    await Promise.all([applied, this.#keep()]);
  }

  /** @returns whether there was something to tell */
  #tell(): boolean {
    const now = new Map(this.held().map((held) => [held.route, held]));
    const before = this.#told;
    this.#told = now;
    const changed = [...now.values()].filter(({ route, record }) => {
      const known = before.get(route);
      return known === undefined || !isEqual(known.record, record) || known.record.rank !== record.rank;
    });
    const ended = [...before.values()].filter(({ route }) => !now.has(route));
    for (const held of changed) this.#options.onChange(held, before.get(held.route));
    for (const held of ended) {
      const record = this.#known.get(held.route)?.record ?? held.record;
      this.#options.onChange({ ...held, record, remainingMs: 0 }, held);
    }
    return changed.length > 0 || ended.length > 0;
  }

  async #keep(): Promise<void> {
    const state = this.#state();
    const { file, clock, onFileError } = this.#options;
    if (file === undefined || state === this.#written) return;
    this.#written = state;
    const nowMs = clock();
    try {
      await file.write(
        [...this.#known].map(([route, { record, untilMs }]) => ({ route, record, remainingMs: untilMs - nowMs })),
      );
      this.#isKept = true;
    } catch (error) {
      this.#isKept = false;
      this.#written = ''; // again at the next look
      onFileError(error);
    }
  }

  /** What the file says, as one text. */
  #state(): string {
    return JSON.stringify(
      [...this.#known].map(([route, { record, untilMs }]) => [route, record.rank, record.on, untilMs]),
    );
  }
}

function isEqual(a: MaintenanceRecord, b: MaintenanceRecord): boolean {
  return a.on === b.on && a.text === b.text && a.by === b.by && a.allow.join() === b.allow.join();
}

/** How people call what a route stands for. */
export const routeWords = (route: string): string => (route === ALL_ROUTES ? 'all routes' : `route ${route}`);
