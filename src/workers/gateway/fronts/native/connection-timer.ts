import type { DeadlineList, Waiting } from '../../deadlines.ts';

/** What a connection waits for besides its exchanges, each with an end of its own. */
export type Wait = 'header' | 'half-closed' | 'stalled' | 'linger';

/** A connection's time-out. Made where one is needed, which for most connections is never. */
export class ConnectionTimer implements Waiting {
  readonly wait: Wait;
  /** What the client had taken of its answer when it was armed. */
  readonly takenBytes: number;
  readonly #onOver: (timer: ConnectionTimer) => void;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(wait: Wait, takenBytes: number, onOver: (timer: ConnectionTimer) => void) {
    this.wait = wait;
    this.takenBytes = takenBytes;
    this.#onOver = onOver;
  }

  onDeadline(): void {
    this.#onOver(this);
  }
}
