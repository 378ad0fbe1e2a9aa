/** Patience with a thread that is busy, stuck or only starting; it gets to it all the same. */
const DONE_WITHIN_MS = 250;

interface Open {
  left: number;
  readonly done: () => void;
}

/** Messages to all threads of which one wants to know when they have done what these say. */
export class Acknowledged {
  readonly #open = new Map<number, Open>();
  #nextId = 1;

  /** @param send returns how many threads were told; each answers with the number */
  order(send: (id: number) => number): Promise<void> {
    const id = this.#nextId++;
    const listeners = send(id);
    if (listeners === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve();
      };
      const timer = setTimeout(done, DONE_WITHIN_MS);
      this.#open.set(id, { left: listeners, done });
    });
  }

  /** A thread has done what was ordered under this number. */
  done(id: number): void {
    const open = this.#open.get(id);
    if (open !== undefined && --open.left === 0) open.done();
  }
}
