/** Something that must end by a time. */
export interface Flight {
  readonly deadlineMs: number;
  /** Set by the owner when it ended by itself. */
  ended: boolean;
  /** Called once, when the deadline has passed and `ended` is still false. */
  expire(): void;
}

/**
 * One timer for all flights of a thread: it is armed for the oldest and looks at the next when it fires, so that a
 * flight that ends in time costs a push and nothing else. Flights start in the order of their deadlines.
 */
export class FlightTimer {
  readonly #clock: () => number;
  #flights: Flight[] = [];
  #head = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly clock: () => number }) {
    this.#clock = options.clock;
  }

  add(flight: Flight): void {
    this.#flights.push(flight);
    this.#timer ??= this.#arm(flight.deadlineMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(deadlineMs: number): NodeJS.Timeout {
    return setTimeout(this.#onTimer, Math.max(0, deadlineMs - this.#clock()));
  }

  /**
   * After a stall of this thread the timer runs before the sockets are read. Answers that lie there already come first:
   * only those flights are judged, at the end of the turn, whose deadline had passed before it looked at the sockets.
   */
  readonly #onTimer = (): void => {
    const firedMs = this.#clock();
    setImmediate(() => this.#judge(firedMs));
  };

  #judge(firedMs: number): void {
    if (this.#timer === undefined) return;
    let flight = this.#flights[this.#head];
    while (flight !== undefined && (flight.ended || flight.deadlineMs <= firedMs)) {
      this.#head++;
      if (!flight.ended) flight.expire();
      flight = this.#flights[this.#head];
    }
    this.#flights = this.#flights.slice(this.#head);
    this.#head = 0;
    this.#timer = flight === undefined ? undefined : this.#arm(flight.deadlineMs);
  }
}
