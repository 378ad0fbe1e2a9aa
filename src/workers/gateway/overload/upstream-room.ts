import { PRIORITIES } from '../../../shared/overload/priority.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import type { FairClients } from '../upstream/fair-line.ts';
import type { Places } from './places.ts';
import { PlaceLine, Ticket } from './ticket.ts';
import type { PlacedCall } from './ticket.ts';

export interface RoomSettings {
  /** Places, of all threads. */
  readonly most: number;
  readonly threads: number;
  /** Calls of this thread that may wait for a place. */
  readonly queue: number;
}

/** Every priority has its own line. */
const LOWEST = PRIORITIES.length - 1;

/**
 * How many requests of a node may be under way at an upstream, on one thread: a call takes a place before it asks for a
 * connection, and gives it back with the header of its answer, or when it ends. Without a place it waits, those that matter
 * more first. A place that another thread gives back is seen at the next tick.
 */
export class UpstreamRoom {
  /** Calls of this thread that wait for a place. */
  waiting = 0;
  readonly #places: Places;
  readonly #lines: readonly PlaceLine[];
  #queue: number;
  #servesSoon = false;

  constructor(places: Places, clients: FairClients, settings: RoomSettings) {
    this.#places = places;
    this.#queue = settings.queue;
    places.configure(settings.most, settings.threads);
    this.#lines = PRIORITIES.map((_, priority) => new PlaceLine(priority as Priority, clients, settings.most));
  }

  configure({ most, threads, queue }: RoomSettings): void {
    const before = this.#places.most;
    this.#queue = queue;
    this.#places.configure(most, threads);
    if (most !== before) for (const line of this.#lines) line.configure(most);
    this.#serveSoon();
  }

  /**
   * Asks for a place.
   * @returns a ticket that holds a place, or waits: then onPlace or onNoPlace comes later; `undefined`: onNoPlace has come
   */
  enter(call: PlacedCall): Ticket | undefined {
    const { priority } = call;
    const line = this.#lines[priority] as PlaceLine;
    const ticket = new Ticket(call, line, this);
    if (!this.#waitBefore(priority) && line.mayStart(ticket) && this.#places.take(priority)) {
      line.hold(ticket);
      return ticket;
    }
    if (this.waiting >= this.#queue && !this.#makeRoomFor(ticket)) return undefined;
    line.push(ticket);
    this.#countWaiting(line, 1);
    this.#serveSoon();
    return ticket;
  }

  /** It needs its place no more, or waits for none. */
  leave(ticket: Ticket): void {
    const { line } = ticket;
    if (ticket.holds) {
      line.release(ticket);
      this.#places.giveBack();
      if (this.waiting > 0) this.#serveSoon();
    } else if (line.remove(ticket)) {
      this.#countWaiting(line, -1);
    }
  }

  /** Every tick: who waits gets what others have left. */
  tick(nowMs: number): void {
    if (this.waiting > 0) this.#serve();
    for (const line of this.#lines) line.tick(nowMs);
  }

  /** Some that matter as much, or more, have waited for longer. */
  #waitBefore(priority: Priority): boolean {
    if (this.waiting === 0) return false;
    for (let each = 0; each <= priority; each++) if ((this.#lines[each] as PlaceLine).size > 0) return true;
    return false;
  }

  /** The line is full: one that matters less gives way, or one of whoever has most of the line, or the newcomer goes. */
  #makeRoomFor(newcomer: Ticket): boolean {
    for (let each = LOWEST; each > newcomer.line.priority; each--) {
      const less = (this.#lines[each] as PlaceLine).lastOfMost;
      if (less !== undefined) return this.#send(less, 'upstream_overloaded');
    }
    const leaving = newcomer.line.crowder(newcomer);
    if (leaving !== undefined) return this.#send(leaving, 'too_many_in_flight');
    newcomer.call.onNoPlace(newcomer.line.crowds(newcomer) ? 'too_many_in_flight' : 'upstream_overloaded');
    return false;
  }

  #send(ticket: Ticket, code: 'upstream_overloaded' | 'too_many_in_flight'): true {
    this.leave(ticket);
    ticket.call.onNoPlace(code);
    return true;
  }

  #countWaiting(line: PlaceLine, more: number): void {
    this.waiting += more;
    this.#places.setWaiting(line.priority, line.size);
  }

  /** Behind this turn of the loop: whoever gives a place back is in the middle of something. */
  #serveSoon(): void {
    if (this.#servesSoon || this.waiting === 0) return;
    this.#servesSoon = true;
    setImmediate(() => {
      this.#servesSoon = false;
      this.#serve();
    });
  }

  #serve(): void {
    for (const line of this.#lines) {
      for (let { first } = line; first !== undefined; { first } = line) {
        if (!this.#places.take(line.priority)) return;
        line.remove(first);
        this.#countWaiting(line, -1);
        line.hold(first);
        first.call.onPlace();
      }
    }
  }
}
