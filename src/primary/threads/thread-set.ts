import type { ToRequestThread } from '../../shared/threads/protocol.ts';
import { tell } from './thread-handle.ts';
import type { ThreadHandle } from './thread-handle.ts';
import { isLive } from './thread-health.ts';

/** The request threads there are, and how to speak to them. Who is in it is RequestThreads' to say. */
export class ThreadSet {
  readonly #threads = new Set<ThreadHandle>();

  all(): readonly ThreadHandle[] {
    return [...this.#threads];
  }

  has(thread: ThreadHandle): boolean {
    return this.#threads.has(thread);
  }

  add(thread: ThreadHandle): void {
    this.#threads.add(thread);
  }

  delete(thread: ThreadHandle): void {
    this.#threads.delete(thread);
  }

  /**
   * To every thread that is or will be live; all but a configuration also to those that are leaving or stuck, which may
   * still have requests.
   * @returns how many live ones were told: only they are waited for
   */
  tellAll(message: ToRequestThread): number {
    let live = 0;
    for (const thread of this.#threads) {
      const counts = isLive(thread.state);
      if (counts) live++;
      if (counts || message.type !== 'config') tell(thread, message);
    }
    return live;
  }

  /** To the thread in this slot, if there is one. */
  tellSlot(slot: number, message: ToRequestThread): void {
    for (const thread of this.#threads) if (thread.slot === slot) tell(thread, message);
  }
}
