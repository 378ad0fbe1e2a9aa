import type { Decision, Waiter } from '../../../shared/limits/decision.ts';
import type { LimitLane } from '../limits/limit-lane.ts';
import type { Limiter } from '../limits/limiter.ts';

/** It is looked again at least so often: a bucket may be set anew, or get other limits. */
const LONGEST_WAIT_MS = 1_000;

/** A message that stands in a line. */
export interface WaitingMessage {
  /** It still does: its WebSocket has not ended, nor found other limits. */
  waitsIn(line: MessageLine): boolean;
  /** It has its tokens. */
  onTurn(): void;
  addressName(): string;
}

export interface MessageLineParts {
  readonly limiter: Pick<Limiter, 'request'>;
  readonly lane: LimitLane;
  readonly client: string;
  readonly clock: () => number;
  readonly onEmpty: () => void;
}

/**
 * Messages of one client, of all its WebSockets on a thread, that wait for tokens of the same buckets. The first asks, and
 * the others move up: none overtakes another, and however many wait, the limiter is asked once for each token.
 */
export class MessageLine implements Waiter {
  startedMs = 0;
  readonly lane: LimitLane;
  readonly #parts: MessageLineParts;
  #messages: WaitingMessage[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #asks = false;
  #moves = false;

  constructor(parts: MessageLineParts) {
    this.#parts = parts;
    this.lane = parts.lane;
  }

  get isEmpty(): boolean {
    return this.#next === this.#messages.length;
  }

  /** @param waitMs how long there will be no token, where that is known */
  join(message: WaitingMessage, waitMs = 0): void {
    this.#messages.push(message);
    if (waitMs > 0) this.#askIn(waitMs);
  }

  addressName(): string {
    return (this.#messages[this.#next] as WaitingMessage).addressName();
  }

  onDecision(decision: Decision): void {
    this.#asks = false;
    if (this.#decided(decision)) this.#move();
    this.#endIfEmpty();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#messages = [];
    this.#next = 0;
  }

  #askIn(ms: number): void {
    if (this.#asks) return;
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#move();
        this.#endIfEmpty();
      },
      Math.max(1, Math.min(Math.ceil(ms), LONGEST_WAIT_MS)),
    ).unref();
  }

  /** Lets pass what has tokens. One that passes may bring the next of its WebSocket, which joins at the end. */
  #move(): void {
    if (this.#moves) return;
    this.#moves = true;
    const { limiter, client, lane, clock } = this.#parts;
    while (this.#timer === undefined && !this.#asks && this.#hasFirst()) {
      const decision = limiter.request(client, lane, this);
      if (decision === undefined) {
        this.startedMs = clock();
        this.#asks = true;
      } else if (!this.#decided(decision)) break;
    }
    this.#moves = false;
  }

  /** @returns whether another may ask now */
  #decided({ outcome, retryAfterMs }: Decision): boolean {
    if (outcome !== 'granted') {
      if (this.#hasFirst()) this.#askIn(Math.max(1, retryAfterMs));
      return false;
    }
    if (this.#hasFirst()) this.#take().onTurn(); // else its WebSocket has ended meanwhile
    return true;
  }

  /** Those that do not wait any more go. */
  #hasFirst(): boolean {
    while (!this.isEmpty && !(this.#messages[this.#next] as WaitingMessage).waitsIn(this)) this.#take();
    return !this.isEmpty;
  }

  #take(): WaitingMessage {
    const first = this.#messages[this.#next++] as WaitingMessage;
    if (this.#next >= 64 && 2 * this.#next >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#next);
      this.#next = 0;
    }
    return first;
  }

  #endIfEmpty(): void {
    if (this.isEmpty && !this.#asks && this.#timer === undefined) this.#parts.onEmpty();
  }
}
