/** One client that is counted. */
interface Counter {
  client: string;
  /** Of `count`, what may have been others' before the counter was given to this client. */
  error: number;
  group: Group;
  previous: Counter | undefined;
  next: Counter | undefined;
}

/** All counters with one and the same count, in a list that is ordered by it. */
interface Group {
  count: number;
  first: Counter | undefined;
  lower: Group | undefined;
  higher: Group | undefined;
}

/** What is known of a client: its true count lies between `count - error` and `count`. */
export interface Estimate {
  readonly client: string;
  readonly count: number;
  readonly error: number;
}

/**
 * The most frequent clients of a stream, in memory that does not grow with it: Space-Saving with its Stream-Summary
 * (A. Metwally, D. Agrawal, A. El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT
 * 2005). With k counters and N events no count is more than N/k too high, none is too low, and a client with more than
 * N/k events is always there. Every event costs a constant number of steps.
 */
export class SpaceSaving {
  readonly #size: number;
  readonly #counters = new Map<string, Counter>();
  #lowest: Group | undefined;

  /** @param size k, the number of counters, at least 1 */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`${size} counters: expected a whole number from 1`);
    this.#size = size;
  }

  /** Clients that are counted. */
  get size(): number {
    return this.#counters.size;
  }

  /** Highest count that a client may have which is not counted. */
  get floor(): number {
    return this.#counters.size < this.#size ? 0 : (this.#lowest?.count ?? 0);
  }

  add(client: string): void {
    const known = this.#counters.get(client);
    if (known !== undefined) this.#raise(known);
    else if (this.#counters.size < this.#size) this.#insert(client);
    else this.#replace(client);
  }

  /** All estimates, the highest count first. */
  estimates(): Estimate[] {
    const all: Estimate[] = [];
    for (let group = this.#lowest; group !== undefined; group = group.higher) {
      for (let each = group.first; each !== undefined; each = each.next) {
        all.push({ client: each.client, count: group.count, error: each.error });
      }
    }
    return all.reverse();
  }

  #insert(client: string): void {
    let group = this.#lowest;
    if (group?.count !== 1) group = this.#newGroup(1, undefined);
    const counter: Counter = { client, error: 0, group, previous: undefined, next: undefined };
    join(counter, group);
    this.#counters.set(client, counter);
  }

  /** The client with the lowest count makes room; the new one may have been it, so that count is its possible error. */
  #replace(client: string): void {
    const counter = this.#lowest?.first as Counter; // full, so there is one
    this.#counters.delete(counter.client);
    counter.client = client;
    counter.error = counter.group.count;
    this.#counters.set(client, counter);
    this.#raise(counter);
  }

  #raise(counter: Counter): void {
    const { group } = counter;
    const count = group.count + 1;
    if (group.first === counter && counter.next === undefined && group.higher?.count !== count) {
      group.count = count; // alone in its group, and no other has the next count
      return;
    }
    const target = group.higher?.count === count ? group.higher : this.#newGroup(count, group);
    part(counter);
    if (group.first === undefined) this.#dropGroup(group);
    join(counter, target);
  }

  /** @param lower the group it comes after; `undefined` = it is the lowest */
  #newGroup(count: number, lower: Group | undefined): Group {
    const higher = lower === undefined ? this.#lowest : lower.higher;
    const group: Group = { count, first: undefined, lower, higher };
    if (lower === undefined) this.#lowest = group;
    else lower.higher = group;
    if (higher !== undefined) higher.lower = group;
    return group;
  }

  #dropGroup({ lower, higher }: Group): void {
    if (lower === undefined) this.#lowest = higher;
    else lower.higher = higher;
    if (higher !== undefined) higher.lower = lower;
  }
}

function join(counter: Counter, group: Group): void {
  counter.group = group;
  counter.previous = undefined;
  counter.next = group.first;
  if (group.first !== undefined) group.first.previous = counter;
  group.first = counter;
}

function part({ group, previous, next }: Counter): void {
  if (previous === undefined) group.first = next;
  else previous.next = next;
  if (next !== undefined) next.previous = previous;
}
