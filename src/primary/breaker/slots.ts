import { slotsIn } from '../../shared/breaker/memory.ts';

/**
 * Gives each upstream name a row of the shared memory and keeps it over reloads, so that a reload neither opens nor
 * closes anything. A row goes to another name only when none is free.
 */
export class SlotTable {
  readonly #byName = new Map<string, number>();
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.#capacity = slotsIn(memory);
  }

  /** @returns slot of each name; 0 (no breaker) for those there was no room for */
  assign(names: readonly string[]): Readonly<Record<string, number>> {
    const wanted = new Set(names);
    const slots: Record<string, number> = {};
    for (const name of wanted) slots[name] = this.#byName.get(name) ?? this.#take(name, wanted);
    return slots;
  }

  #take(name: string, wanted: ReadonlySet<string>): number {
    const slot = this.#byName.size + 1 < this.#capacity ? this.#byName.size + 1 : this.#reclaim(wanted);
    if (slot !== 0) this.#byName.set(name, slot);
    return slot;
  }

  #reclaim(wanted: ReadonlySet<string>): number {
    for (const [name, slot] of this.#byName) {
      if (wanted.has(name)) continue;
      this.#byName.delete(name);
      return slot;
    }
    return 0;
  }
}
