/**
 * Ids that are unique without asking anybody: a random prefix for each start of each thread, then a counter. They tell
 * exchanges apart in logs; they are no secrets.
 */
export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  next(): string {
    this.#count++;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
