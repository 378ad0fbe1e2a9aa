import type { ErrorCode } from '../../../shared/errors.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { Chain } from '../upstream/chain.ts';
import { FairLine } from '../upstream/fair-line.ts';
import type { FairClients } from '../upstream/fair-line.ts';
import { Relief } from '../upstream/relief.ts';
import type { Share, Sharer } from '../upstream/share.ts';

/** A call that asks for a place at its upstream. */
export interface PlacedCall {
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  /** Name of the client's buckets; '' where none are looked at. */
  readonly limitClient: string;
  readonly priority: Priority;
  /** It has a place, after it had to wait. It does not throw. */
  onPlace(): void;
  /** It gets none. */
  onNoPlace(code: ErrorCode): void;
  /** @see Carried */
  clientPace(nowMs: number): number;
  onTooSlow(): void;
}

interface Room {
  leave(ticket: Ticket): void;
}

/** What a call has of an upstream's places: one, or a place in the line. */
export class Ticket implements Sharer {
  readonly call: PlacedCall;
  readonly line: PlaceLine;
  /** Where it is from, and is given back: that of its upstream may be another by then. */
  readonly room: Room;
  readonly address: string;
  readonly limitClient: string;
  holds = false;
  waitsIn: Share | undefined = undefined;
  heldIn: Share | undefined = undefined;
  chainPrevious: Sharer | undefined = undefined;
  chainNext: Sharer | undefined = undefined;

  constructor(call: PlacedCall, line: PlaceLine, room: Room) {
    this.call = call;
    this.line = line;
    this.room = room;
    this.address = call.address;
    this.limitClient = call.limitClient;
  }

  clientPace(nowMs: number): number {
    return this.call.clientPace(nowMs);
  }

  onTooSlow(): void {
    this.call.onTooSlow();
  }
}

/** Calls of one priority: those with a place, and those that wait for one, shared by clients as connections are. */
export class PlaceLine {
  readonly priority: Priority;
  readonly clients: FairClients;
  /** A ticket that holds stands in no line, so its links are free for this. */
  readonly #held = new Chain<Sharer>();
  #line: FairLine<Ticket>;
  #relief: Relief;

  /** @param most places there are */
  constructor(priority: Priority, clients: FairClients, most: number) {
    this.priority = priority;
    this.clients = clients;
    this.#line = new FairLine(this, most);
    this.#relief = new Relief(this.#line);
  }

  /** Who gets the next place; `undefined` = nobody waits, or may have one. */
  get first(): Ticket | undefined {
    return this.#line.first;
  }

  get size(): number {
    return this.#line.size;
  }

  get lastOfMost(): Ticket | undefined {
    return this.#line.lastOfMost;
  }

  mayStart(ticket: Ticket): boolean {
    return this.#line.mayStart(ticket);
  }

  crowder(newcomer: Ticket): Ticket | undefined {
    return this.#line.crowder(newcomer);
  }

  crowds(newcomer: Ticket): boolean {
    return this.#line.crowds(newcomer);
  }

  isAboveShare(ticket: Ticket): boolean {
    return this.#line.excessOf(ticket) >= 0;
  }

  push(ticket: Ticket): void {
    this.#line.push(ticket);
  }

  /** @returns whether it waited here */
  remove(ticket: Ticket): boolean {
    return this.#line.remove(ticket);
  }

  hold(ticket: Ticket): void {
    this.#held.push(ticket);
    this.#line.hold(ticket);
  }

  release(ticket: Ticket): void {
    this.#line.release(ticket);
    this.#held.remove(ticket);
  }

  forEachHeld(visit: (one: Ticket) => void): void {
    for (let one = this.#held.first; one !== undefined; one = one.chainNext) visit(one as Ticket);
  }

  /** There are so many places now; who has one or waits stays where it is. */
  configure(most: number): void {
    const before = this.#line;
    const waiting: Ticket[] = [];
    for (let one = before.shiftAny(); one !== undefined; one = before.shiftAny()) waiting.push(one);
    this.forEachHeld((one) => before.release(one));
    this.#line = new FairLine(this, most);
    this.#relief = new Relief(this.#line);
    this.forEachHeld((one) => this.#line.hold(one));
    for (const one of waiting) this.#line.push(one);
  }

  /** Every tick: places that stand still because of their client are taken for those who wait. */
  tick(nowMs: number): void {
    if (!this.#line.active) return;
    if (this.#line.size > 0) this.#relief.tick(nowMs, this);
    this.#line.tick();
  }
}
