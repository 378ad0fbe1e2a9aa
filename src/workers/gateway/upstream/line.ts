const FIRST_PLACES = 64; // a power of two, as are all sizes

/**
 * A waiting line, first come first served. A ring that keeps its memory: a Set that is filled and emptied with each
 * request makes a new table every few entries, which showed as two microseconds of garbage collection a request.
 */
export class Line<Each extends object> {
  /** How many wait. */
  size = 0;
  #places: (Each | undefined)[] = Array.from({ length: FIRST_PLACES }, () => undefined);
  /** Counts of all that ever left and came; those between are in the ring, some of them as holes. */
  #first = 0;
  #end = 0;

  push(each: Each): void {
    if (this.#end - this.#first === this.#places.length) this.#grow();
    this.#places[this.#end++ & (this.#places.length - 1)] = each;
    this.size++;
  }

  /** Takes the one who has waited longest. */
  shift(): Each | undefined {
    while (this.#first < this.#end) {
      const at = this.#first++ & (this.#places.length - 1);
      const each = this.#places[at];
      if (each === undefined) continue; // it went before its turn
      this.#places[at] = undefined;
      this.size--;
      return each;
    }
    return undefined;
  }

  /** The one who has waited longest. */
  get first(): Each | undefined {
    for (let count = this.#first; count < this.#end; count++) {
      const each = this.#places[count & (this.#places.length - 1)];
      if (each !== undefined) return each;
    }
    return undefined;
  }

  /** @returns whether it was in the line */
  remove(each: Each): boolean {
    for (let count = this.#first; count < this.#end; count++) {
      const at = count & (this.#places.length - 1);
      if (this.#places[at] !== each) continue;
      this.#places[at] = undefined;
      this.size--;
      return true;
    }
    return false;
  }

  /** From the one who has waited longest; nobody may come or go meanwhile. */
  forEach(each: (one: Each) => void): void {
    for (let count = this.#first; count < this.#end; count++) {
      const one = this.#places[count & (this.#places.length - 1)];
      if (one !== undefined) each(one);
    }
  }

  #grow(): void {
    const old = this.#places;
    const count = this.#end - this.#first;
    this.#places = Array.from({ length: old.length * 2 }, (_, i) =>
      i < count ? old[(this.#first + i) & (old.length - 1)] : undefined,
    );
    this.#first = 0;
    this.#end = count;
  }
}
