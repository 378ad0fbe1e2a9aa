import { socketInode, unacknowledged } from './kernel-queues.ts';

const LOOK_EVERY_MS = 5_000;

/** An exchange in the list of those under way, as far as its client reads too little of its answer. */
export interface Reader {
  readonly previous: Reader | undefined;
  /** Since when bytes wait for the client, by the coarse clock; -1 = none do. */
  readonly blockedFromMs: number;
  /** Of the client's socket; -1 = it cannot be known. */
  socketDescriptor(): number;
  /** @param unacknowledged bytes that the kernel still has for it */
  onKernelLooked(nowMs: number, unacknowledged: number): void;
  onFault(error: unknown): void;
}

/**
 * Sees to it that clients take what waits for them at the least rate. A socket says only that a good part of its buffer
 * is free, for which a slow client may need minutes, so the kernel is asked what the client has acknowledged: every few
 * seconds, of those alone whose answer has been waiting for as long.
 */
export class SlowReaders {
  #lookedMs = 0;
  #looking = false;

  /** Every tick. @param newest of the exchanges under way */
  tick(nowMs: number, newest: Reader | undefined): void {
    if (this.#looking || nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    const readers = new Map<string, Reader>();
    for (let each = newest; each !== undefined; each = each.previous) {
      if (each.blockedFromMs < 0 || nowMs - each.blockedFromMs < LOOK_EVERY_MS) continue;
      const inode = socketInode(each.socketDescriptor());
      if (inode !== undefined) readers.set(inode, each);
    }
    if (readers.size === 0) return;
    this.#looking = true;
    void this.#look(nowMs, readers).finally(() => (this.#looking = false));
  }

  async #look(nowMs: number, readers: ReadonlyMap<string, Reader>): Promise<void> {
    for (const [inode, bytes] of await unacknowledged(new Set(readers.keys()))) {
      const reader = readers.get(inode);
      try {
        reader?.onKernelLooked(nowMs, bytes);
      } catch (error) {
        reader?.onFault(error);
      }
    }
  }
}
