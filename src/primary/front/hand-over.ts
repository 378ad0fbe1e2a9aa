import type { TcpHandle } from '../../shared/net/handles.ts';
import { ROW_STATE } from '../../shared/threads/connection-table.ts';
import { socketLine } from '../../shared/threads/hand-over.ts';
import type { Holder } from './address-holders.ts';
import type { ConnectionBook } from './connection-book.ts';
import type { Line } from './thread-lines.ts';

/** A client that has connected. */
export interface Client {
  readonly handle: TcpHandle;
  readonly address: string;
  readonly port: number;
  readonly holder: Holder;
}

/** Why a client gets no thread. */
export type HandOverFailure = 'no_threads' | 'overloaded';

export interface HandOverOptions {
  readonly book: ConnectionBook;
  /** It could not be handed over; its handle is open. */
  readonly refuse: (client: Client, why: HandOverFailure) => void;
}

/** A client whose socket is still open here too. */
interface Copy {
  readonly client: Client;
  /** Writes that still need the handle. */
  writes: number;
  /** A thread has it, or it was refused. */
  settled: boolean;
  attempts: number;
}

interface Queued {
  readonly index: number;
  readonly copy: Copy;
  /** Its thread has gone. */
  dead: boolean;
}

/**
 * A hand-over that fails is tried again after this: descriptors on their way are limited, and are received soon. So is
 * one for which there is no thread: one that was silent may be back before it is looked at, and one that has died has a
 * successor soon, in two seconds also where the machine is busy with others.
 */
const AGAIN_MS = 20;
const MOST_ATTEMPTS: Readonly<Record<HandOverFailure, number>> = { overloaded: 25, no_threads: 100 };
/** How often threads are asked for what they have taken while nothing else asks; slower while they take nothing. */
const SETTLE_MS = { first: 4, most: 64 };

/**
 * Gives clients to the threads, each to the one with the fewest connections. Our copy of a socket stays open until the
 * thread has it, so that what waits for a thread which dies or is stuck goes to another.
 */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #lines = new Map<number, Line>();
  readonly #members = new Set<number>();
  readonly #queues = new Map<number, Queued[]>();
  #turn = 0;
  #waiting = 0;
  #ending = false;
  #settling: NodeJS.Timeout | undefined;
  #settleMs = SETTLE_MS.first;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Sockets that no thread has taken yet. */
  get waiting(): number {
    return this.#waiting;
  }

  opened(slot: number, line: Line): void {
    this.#lines.set(slot, line);
  }

  lost(slot: number, line: Line): void {
    if (this.#lines.get(slot) === line) this.#lines.delete(slot);
  }

  add(slot: number): void {
    if (this.#members.has(slot)) return;
    this.#members.add(slot);
    for (const other of this.#queues.keys()) if (!this.#members.has(other)) this.#takeBack(other);
  }

  remove(slot: number): void {
    if (this.#members.delete(slot)) this.#takeBack(slot);
  }

  /** Its thread has exited. */
  gone(slot: number): void {
    const { book } = this.#options;
    this.#members.delete(slot);
    this.#settle(slot);
    this.#lines.get(slot)?.close();
    this.#lines.delete(slot);
    const queue = this.#queues.get(slot) ?? [];
    this.#queues.delete(slot);
    this.#waiting -= queue.length;
    const left = queue.filter(({ index }) => book.table.state(index) === ROW_STATE.queued);
    for (const entry of queue) entry.dead = true;
    book.freeSlot(slot);
    for (const { copy } of left) this.#give(copy);
  }

  /** No thread is to come any more: who has none is refused at once. */
  end(): void {
    this.#ending = true;
  }

  give(client: Client): void {
    this.#give({ client, writes: 0, settled: false, attempts: 0 });
  }

  /** Closes our copies of what threads have taken, and frees the rows of what they have closed. */
  settle(): void {
    for (let slot = 0; slot < this.#options.book.table.memory.slots; slot++) this.#settle(slot);
  }

  #give(copy: Copy): void {
    const slot = this.#choose();
    if (slot === undefined) {
      if (this.#ending) return this.#refuse(copy, 'no_threads');
      return this.#giveAgain(copy, 'no_threads');
    }
    const { book } = this.#options;
    const { handle, address, port, holder } = copy.client;
    const index = book.allocate(slot, holder);
    if (index === undefined) return this.#refuse(copy, 'overloaded');
    book.table.queue(index);
    book.table.countSent(slot, 1);
    const entry: Queued = { index, copy, dead: false };
    this.#queueOf(slot).push(entry);
    this.#waiting++;
    copy.writes++;
    this.#lines
      .get(slot)
      ?.send(socketLine(index, address, port), handle, (status) => this.#onWritten(slot, entry, status));
    this.#settleSoon();
  }

  /** The thread with the fewest connections; of equal ones each in turn. What it has not taken yet counts twice. */
  #choose(): number | undefined {
    const { book } = this.#options;
    const members = [...this.#members];
    let best: number | undefined;
    let least = Infinity;
    for (let turn = 0; turn < members.length; turn++) {
      const slot = members[(this.#turn + turn) % members.length];
      if (slot === undefined || !this.#lines.has(slot)) continue;
      const load = book.openOf(slot) + (this.#queues.get(slot)?.length ?? 0);
      if (load >= least) continue;
      least = load;
      best = slot;
    }
    this.#turn = best === undefined ? 0 : members.indexOf(best) + 1;
    return best;
  }

  #queueOf(slot: number): Queued[] {
    let queue = this.#queues.get(slot);
    if (queue === undefined) this.#queues.set(slot, (queue = []));
    return queue;
  }

  #onWritten(slot: number, entry: Queued, status: number): void {
    const { copy, index } = entry;
    const { book } = this.#options;
    copy.writes--;
    if (status < 0 && !entry.dead) {
      const queue = this.#queueOf(slot);
      const at = queue.indexOf(entry);
      if (at >= 0) {
        queue.splice(at, 1);
        this.#waiting--;
        book.table.countSent(slot, -1);
        const ours = book.table.state(index) === ROW_STATE.queued; // else it went elsewhere already
        book.free(index);
        if (ours) this.#giveAgain(copy, 'overloaded');
      }
    }
    this.#closeIfDone(copy);
    this.#settle(slot);
  }

  #giveAgain(copy: Copy, why: HandOverFailure): void {
    copy.attempts++;
    if (copy.attempts >= MOST_ATTEMPTS[why]) return this.#refuse(copy, why);
    const { book } = this.#options;
    const { holder } = copy.client;
    book.hold(holder);
    const again = (): void => {
      this.#give(copy);
      book.letGo(holder); // after it, so that the address is known all the time
    };
    setTimeout(again, AGAIN_MS).unref();
  }

  /** The slot's thread gets no more: what it has not taken yet goes to others, if there are any. */
  #takeBack(slot: number): void {
    const { table } = this.#options.book;
    if (this.#choose() === undefined) return;
    for (const { index, copy } of this.#queueOf(slot)) if (table.revoke(index)) this.#give(copy);
  }

  #settle(slot: number): void {
    const { book } = this.#options;
    // What was closed is asked for first: it was taken before, so the queue shows it as taken by now.
    const closed = book.closedBy(slot);
    const queue = this.#queues.get(slot);
    if (queue !== undefined && queue.length > 0) this.#settleQueue(queue);
    for (const index of closed) book.free(index);
  }

  #settleQueue(queue: Queued[]): void {
    const { book } = this.#options;
    let count = 0;
    for (const { index, copy } of queue) {
      const state = book.table.state(index);
      if (state === ROW_STATE.queued || state === ROW_STATE.revoked) break; // taken in the order they were sent
      count++;
      if (state === ROW_STATE.taken) {
        copy.settled = true;
        this.#closeIfDone(copy);
        continue;
      }
      book.free(index);
      if (state === ROW_STATE.missed) this.#giveAgain(copy, 'overloaded');
    }
    if (count === 0) return;
    queue.splice(0, count);
    this.#waiting -= count;
    this.#settleMs = SETTLE_MS.first;
  }

  #settleSoon(): void {
    if (this.#settling !== undefined || this.#waiting === 0) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#settleMs = Math.min(2 * this.#settleMs, SETTLE_MS.most);
      this.settle();
      this.#settleSoon();
    }, this.#settleMs);
    this.#settling.unref();
  }

  #refuse(copy: Copy, why: HandOverFailure): void {
    if (copy.writes > 0) {
      // A write to a thread that is leaving still needs the handle: it is not ours to answer on yet.
      setTimeout(() => this.#refuse(copy, why), AGAIN_MS).unref();
      return;
    }
    this.#options.refuse(copy.client, why);
  }

  #closeIfDone(copy: Copy): void {
    if (copy.settled && copy.writes === 0) copy.client.handle.close();
  }
}
