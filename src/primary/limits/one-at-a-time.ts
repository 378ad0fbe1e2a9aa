/** Does something once at a time; who asks for it meanwhile has it done once more, and waits for that. */
export class OneAtATime {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #isWanted = false;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** What is under way; `undefined` = nothing. */
  get underWay(): Promise<void> | undefined {
    return this.#running;
  }

  /** Rejects where the work does. */
  async run(): Promise<void> {
    if (this.#running !== undefined) {
      this.#isWanted = true; // what is being read may be older than what was just told
      return this.#running;
    }
    this.#running = this.#repeat();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  async #repeat(): Promise<void> {
    do {
      this.#isWanted = false;
      await this.#work();
    } while (this.#isWanted);
  }
}
