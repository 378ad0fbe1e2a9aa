import type { DeadlineList, Waiting } from '../../deadlines.ts';

/** What a connection waits for besides its exchanges, each with an end of its own. */
export type Wait = 'header' | 'half-closed' | 'linger';

/** A connection's time-out. Made where one is needed, which for most connections is never. */
export class ConnectionTimer implements Waiting {
  readonly wait: Wait;
  readonly #onOver: (wait: Wait) => void;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(wait: Wait, onOver: (wait: Wait) => void) {
    this.wait = wait;
    this.#onOver = onOver;
  }

  onDeadline(): void {
    this.#onOver(this.wait);
  }
}
