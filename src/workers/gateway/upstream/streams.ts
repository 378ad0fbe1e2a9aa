import { FairLine } from './fair-line.ts';
import type { FairClients } from './fair-line.ts';
import type { Sharer } from './share.ts';

/** An answer that has come for so long is a stream: nobody knows when it ends. */
export const STREAM_AFTER_MS = 10_000;

/**
 * The streams of a thread, to whatever upstream: they have left the counts of their pools, so that many that last for
 * hours take no connection from short requests. They are shared by clients in the same way.
 */
export class Streams {
  readonly clients: FairClients;
  #most: number;
  #line: FairLine<Sharer>;
  readonly #held = new Set<Sharer>();
  /** Of which there was no room for once: it is asked for again every second. */
  readonly #refused = new WeakSet<Sharer>();
  readonly #onRefused: () => void;

  /** @param onRefused there was no room for an answer that lasts; it stays in its pool. Once for each */
  constructor(clients: FairClients, most: number, onRefused: () => void) {
    this.clients = clients;
    this.#onRefused = onRefused;
    this.#most = most;
    this.#line = new FairLine(this, most);
  }

  get count(): number {
    return this.#held.size;
  }

  /** @param most streams at a time */
  configure(most: number): void {
    if (most === this.#most) return;
    this.#most = most;
    for (const one of this.#held) this.#line.release(one);
    this.#line = new FairLine(this, most);
    for (const one of this.#held) this.#line.hold(one);
  }

  /** Whether there is room for this one, which is due. */
  hasRoomFor(one: Sharer): boolean {
    if (this.#held.size < this.#most && this.#line.mayStart(one)) return true;
    if (!this.#refused.has(one)) {
      this.#refused.add(one);
      this.#onRefused();
    }
    return false;
  }

  add(one: Sharer): void {
    this.#held.add(one);
    this.#line.hold(one);
  }

  /** @returns whether it was one of them */
  remove(one: Sharer): boolean {
    if (!this.#held.delete(one)) return false;
    this.#line.release(one);
    return true;
  }

  tick(): void {
    this.#line.tick();
  }

  forEachHeld(visit: (one: Sharer) => void): void {
    for (const one of this.#held) visit(one);
  }
}
