import type { DeadlineList, Waiting } from '../deadlines.ts';

/** The limit of a whole exchange, beside the one of what it waits for at the moment; made only where a route has one. */
export class TotalDeadline implements Waiting {
  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;
  readonly #onOver: () => void;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  onDeadline(): void {
    this.#onOver();
  }
}
