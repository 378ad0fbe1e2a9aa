import { placesIn } from '../../shared/breaker/memory.ts';

/**
 * Gives each upstream name a row of the shared memory and keeps it over reloads, so that a reload neither opens nor
 * closes anything. A row goes to another name only when none is free.
 */
export class PlaceTable {
  readonly #byName = new Map<string, number>();
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.#capacity = placesIn(memory);
  }

  /** @returns place of each name; 0 (no breaker) for those there was no room for */
  assign(names: readonly string[]): ReadonlyMap<string, number> {
    const wanted = new Set(names);
    return new Map([...wanted].map((name) => [name, this.#byName.get(name) ?? this.#take(name, wanted)]));
  }

  #take(name: string, wanted: ReadonlySet<string>): number {
    const place = this.#byName.size + 1 < this.#capacity ? this.#byName.size + 1 : this.#reclaim(wanted);
    if (place !== 0) this.#byName.set(name, place);
    return place;
  }

  #reclaim(wanted: ReadonlySet<string>): number {
    for (const [name, place] of this.#byName) {
      if (wanted.has(name)) continue;
      this.#byName.delete(name);
      return place;
    }
    return 0;
  }
}
