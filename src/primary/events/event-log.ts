import type { EventType, GatewayEvent } from '../../shared/admin/operations.ts';

/** Events that are kept. */
export const KEPT_EVENTS = 200;
/** Characters of an event's details as JSON; larger ones are left out. */
const LONGEST_DETAILS = 4_096;
const LONGEST_MESSAGE = 500;

/** Told of an event after it is in the log; what it throws is not its teller's problem. */
export type EventListener = (event: GatewayEvent) => void;

export interface EventLogOptions {
  /** Milliseconds since the epoch. Ids start there, so that they go on upwards in a next process. */
  readonly wallClockMs: () => number;
  readonly onListenerError: (error: unknown) => void;
}

/** What lately happened to this node: the last {@link KEPT_EVENTS}, for whoever asks or listens. */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #listeners = new Set<EventListener>();
  #kept: GatewayEvent[] = [];
  #nextId: number;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#nextId = options.wallClockMs();
  }

  /**
   * Adds an event; never throws.
   * @param message one line for people
   * @param details for programs: nothing secret, and JSON
   */
  add(type: EventType, message: string, details: Readonly<Record<string, unknown>> = {}): void {
    const event: GatewayEvent = {
      id: this.#nextId++,
      at: new Date(this.#options.wallClockMs()).toISOString(),
      type,
      message: message.slice(0, LONGEST_MESSAGE),
      details: bounded(details),
    };
    this.#kept.push(event);
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift();
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.onListenerError(error);
      }
    }
  }

  /**
   * The kept events, oldest first.
   * @param afterId only those after it; an id that this log has not given yet is none of its own and leaves nothing out
   */
  kept(afterId?: number): readonly GatewayEvent[] {
    if (afterId === undefined || afterId >= this.#nextId) return [...this.#kept];
    return this.#kept.filter(({ id }) => id > afterId);
  }

  /** @returns what ends it */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

function bounded(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    const text = JSON.stringify(details);
    if (text.length <= LONGEST_DETAILS) return JSON.parse(text) as Record<string, unknown>;
    return { leftOut: `${text.length} characters` };
  } catch (error) {
    return { leftOut: String(error) };
  }
}
