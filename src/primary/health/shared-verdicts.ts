import {
  createHealthMemory,
  DOWN_TARGETS,
  EJECTION,
  healthRowOf,
  TARGET_FIELD,
  VERDICT,
} from '../../shared/health/memory.ts';
import type { HealthPlaces, HealthThreadStart, Verdict } from '../../shared/health/memory.ts';

/** Upstreams and their targets together; those beyond it are used whatever probes say. */
const MOST_ROWS = 8_192;

/** A target that is ejected, as this node has it. */
export interface EjectionView {
  /** Until a request may try it; 0 = the next one does, or one is doing it. */
  readonly forMs: number;
  /** How often in short order. */
  readonly times: number;
  /** One client alone has proved it: any other may try it at once. */
  readonly oneClient: boolean;
}

/** The front's hand on the memory in which request threads see what probes say. */
export class SharedVerdicts {
  readonly #memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #rows: number;
  readonly #clock: () => number;
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  #used = 0;

  /** @param clock createProcessClock() */
  constructor(clock: () => number, rows = MOST_ROWS) {
    this.#clock = clock;
    this.#rows = rows;
    this.#memory = createHealthMemory(rows);
    this.#words = new Int32Array(this.#memory);
  }

  forThread(): HealthThreadStart {
    return { memory: this.#memory, places: this.places() };
  }

  places(): HealthPlaces {
    return new Map(this.#places);
  }

  /** Gives each key a row; those that stay keep theirs, and what is in it. */
  assign(keys: readonly string[]): void {
    const wanted = new Set(keys);
    for (const [key, place] of this.#places) {
      if (wanted.has(key)) continue;
      this.#places.delete(key);
      this.#words.fill(0, healthRowOf(place), healthRowOf(place + 1)); // threads that have it still: all is well
      this.#free.push(place);
    }
    const known = new Set(this.#places.keys());
    for (const key of wanted) {
      if (known.has(key)) continue;
      const place = this.#free.shift() ?? (this.#used < this.#rows ? ++this.#used : undefined);
      if (place === undefined) continue;
      this.#words.fill(0, healthRowOf(place), healthRowOf(place + 1)); // a thread of before may have written in it
      this.#places.set(key, place);
      // A target that joins others.
      if (known.has(upstreamOf(key))) this.#comesNow(healthRowOf(place));
    }
  }

  /** @param keepMs so long a success of this node outweighs silence */
  set(key: string, verdict: Verdict, keepMs: number): void {
    const row = this.#rowOf(key);
    if (row === undefined) return;
    Atomics.store(this.#words, row + TARGET_FIELD.KEEP_MS, keepMs);
    const before = Atomics.exchange(this.#words, row + TARGET_FIELD.VERDICT, VERDICT[verdict]);
    if (before !== VERDICT.up && verdict === 'up') this.#comesNow(row);
  }

  /** @param down targets of the upstream that are down */
  setDown(upstream: string, down: number): void {
    const row = this.#rowOf(upstream);
    if (row !== undefined) Atomics.store(this.#words, row + DOWN_TARGETS, down);
  }

  /** How long ago a request of this node last had a good answer of the target; undefined: none has. */
  succeededAgoMs(key: string): number | undefined {
    const row = this.#rowOf(key);
    if (row === undefined || Atomics.load(this.#words, row + TARGET_FIELD.SUCCEEDED) === 0) return undefined;
    const agoMs = (Math.ceil(this.#clock()) - Atomics.load(this.#words, row + TARGET_FIELD.SUCCEEDED_AT)) | 0;
    return Math.max(0, agoMs);
  }

  /** Whether threads have ejected the target; undefined: they have not. */
  ejection(key: string): EjectionView | undefined {
    const row = this.#rowOf(key);
    if (row === undefined) return undefined;
    const read = (field: number): number => Atomics.load(this.#words, row + field);
    const state = read(TARGET_FIELD.EJECTION);
    if (state === EJECTION.none) return undefined;
    const leftMs = (read(TARGET_FIELD.UNTIL) - Math.ceil(this.#clock())) | 0;
    return {
      forMs: state === EJECTION.trying ? 0 : Math.max(0, leftMs),
      times: read(TARGET_FIELD.TIMES),
      oneClient: read(TARGET_FIELD.NARROW) !== 0,
    };
  }

  #comesNow(row: number): void {
    Atomics.store(this.#words, row + TARGET_FIELD.RETURNED_AT, Math.ceil(this.#clock()) | 0 || 1);
  }

  #rowOf(key: string): number | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : healthRowOf(place);
  }
}

/** Of the key of a target; that of an upstream is its name. */
const upstreamOf = (key: string): string => (key.includes(' ') ? key.slice(0, key.indexOf(' ')) : '');
