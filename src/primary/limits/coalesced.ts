/** Does something when it is called, but at most once in a time: the first call at once, those after it together. */
export class Coalesced {
  readonly #work: () => void;
  readonly #everyMs: number;
  #resting: NodeJS.Timeout | undefined;
  #isCalled = false;

  constructor(work: () => void, everyMs: number) {
    this.#work = work;
    this.#everyMs = everyMs;
  }

  call(): void {
    if (this.#resting !== undefined) {
      this.#isCalled = true;
      return;
    }
    this.#resting = setTimeout(() => this.#rested(), this.#everyMs).unref();
    this.#work();
  }

  close(): void {
    clearTimeout(this.#resting);
    this.#isCalled = false;
  }

  #rested(): void {
    this.#resting = undefined;
    if (!this.#isCalled) return;
    this.#isCalled = false;
    this.call();
  }
}
