import { mergeRefused, NOTHING_REFUSED, REFUSED_WINDOW_MS } from '../../shared/limits/refused-list.ts';
import type { RefusedList } from '../../shared/limits/refused-list.ts';

/** Lists of threads that are gone; above this the two oldest become one. */
const MOST_DEPARTED = 8;

interface Told {
  readonly list: RefusedList;
  readonly atMs: number;
}

/** The clients that this node refuses most: what its threads tell, those that have ended included for as long as it counts. */
export class RefusedFront {
  readonly #clock: () => number;
  readonly #threads = new Map<number, Told>();
  #departed: Told[] = [];

  /** @param clock monotonic milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  receive(slot: number, list: RefusedList): void {
    this.#threads.set(slot, { list, atMs: this.#clock() });
  }

  threadGone(slot: number): void {
    const told = this.#threads.get(slot);
    this.#threads.delete(slot);
    if (told === undefined || told.list.clients.length === 0) return;
    this.#departed.push(told);
    if (this.#departed.length <= MOST_DEPARTED) return;
    const [first, second, ...rest] = this.#departed.map((each) => this.#now(each));
    const one = mergeRefused([first ?? NOTHING_REFUSED, second ?? NOTHING_REFUSED]);
    this.#departed = [one, ...rest].map((list) => ({ list, atMs: this.#clock() }));
  }

  /** The node's list as of now. */
  list(): RefusedList {
    const nowMs = this.#clock();
    this.#departed = this.#departed.filter(({ list, atMs }) => list.windowMs + nowMs - atMs < REFUSED_WINDOW_MS);
    return mergeRefused([...this.#threads.values(), ...this.#departed].map((told) => this.#now(told)));
  }

  /** The window goes on while nothing new is told. */
  #now({ list, atMs }: Told): RefusedList {
    return list.clients.length === 0 ? list : { ...list, windowMs: list.windowMs + this.#clock() - atMs };
  }
}
