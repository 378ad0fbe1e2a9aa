/** What stands in a chain; a thing is in one chain at a time. */
export interface Linked<Each> {
  chainPrevious: Each | undefined;
  chainNext: Each | undefined;
}

/** A waiting line whose members carry its links: to come, to leave from anywhere and to move on costs no memory and no search. */
export class Chain<Each extends Linked<Each>> {
  size = 0;
  #first: Each | undefined = undefined;
  #last: Each | undefined = undefined;

  /** Who has stood here longest. */
  get first(): Each | undefined {
    return this.#first;
  }

  /** Who came last. */
  get last(): Each | undefined {
    return this.#last;
  }

  push(each: Each): void {
    each.chainPrevious = this.#last;
    each.chainNext = undefined;
    if (this.#last === undefined) this.#first = each;
    else this.#last.chainNext = each;
    this.#last = each;
    this.size++;
  }

  /** @param each stands in this chain */
  remove(each: Each): void {
    const { chainPrevious: previous, chainNext: next } = each;
    if (previous === undefined) this.#first = next;
    else previous.chainNext = next;
    if (next === undefined) this.#last = previous;
    else next.chainPrevious = previous;
    each.chainPrevious = undefined;
    each.chainNext = undefined;
    this.size--;
  }

  /** @param each stands in this chain, and stands at its end afterwards */
  moveToEnd(each: Each): void {
    if (this.#last === each) return;
    this.remove(each);
    this.push(each);
  }
}
