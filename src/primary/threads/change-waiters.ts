/** Waiting for a condition that is looked at after every change, instead of every so often. */
export class ChangeWaiters {
  readonly #looks = new Set<() => void>();

  /** Something changed. */
  notify(): void {
    for (const look of this.#looks) look();
  }

  /** @returns whether the condition became true in time */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (result: boolean): void => {
        clearTimeout(timer);
        this.#looks.delete(look);
        resolve(result);
      };
      const look = (): void => {
        if (condition()) settle(true);
      };
      const timer = setTimeout(() => settle(false), withinMs);
      this.#looks.add(look);
    });
  }
}
