import { MessageChannel } from 'node:worker_threads';
import type { ProfileOrder, ProfileReply } from '../../shared/profile/order.ts';
import { profileHere } from '../../shared/profile/profile-here.ts';
import type { ThreadHandle } from '../threads/thread-handle.ts';

/** Whose profile: the front's, or that of the request thread in this slot. */
export type Profiled = 'front' | number;

export type ProfileOutcome =
  | ProfileReply
  | { readonly kind: 'busy' }
  /** `slots`: those that have a thread. */
  | { readonly kind: 'no-thread'; readonly slots: readonly number[] };

/** For the thread to hear of it, and for what it makes of what it has seen. */
const PATIENCE_MS = 10_000;

/** Profiles of the threads of this process, one at a time: each costs its thread a little of what it measures. */
export class Profiles {
  readonly #threads: () => readonly ThreadHandle[];
  readonly #patienceMs: number;
  #running = false;

  constructor(threads: () => readonly ThreadHandle[], patienceMs = PATIENCE_MS) {
    this.#threads = threads;
    this.#patienceMs = patienceMs;
  }

  async take(of: Profiled, order: ProfileOrder): Promise<ProfileOutcome> {
    if (this.#running) return { kind: 'busy' };
    const thread = of === 'front' ? undefined : this.#threads().find(({ slot }) => slot === of);
    if (of !== 'front' && thread === undefined)
      return { kind: 'no-thread', slots: this.#threads().map(({ slot }) => slot) };
    this.#running = true;
    try {
      if (thread !== undefined) return await this.#ask(thread, order);
      return { kind: 'taken', text: await profileHere(order) };
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#running = false;
    }
  }

  #ask({ worker }: ThreadHandle, order: ProfileOrder): Promise<ProfileReply> {
    const { port1: ours, port2: reply } = new MessageChannel();
    return new Promise((resolve) => {
      const end = (answer: ProfileReply): void => {
        clearTimeout(timer);
        ours.close();
        resolve(answer);
      };
      const failed = (reason: string) => (): void => end({ kind: 'failed', reason });
      const timer = setTimeout(
        failed('The thread does not answer: it is busy or stuck.'),
        order.forMs + this.#patienceMs,
      );
      ours.once('message', end);
      ours.once('close', failed('The thread has ended.'));
      // Neither keeps a process alive that is about to end.
      ours.unref();
      timer.unref();
      worker.postMessage({ to: 'thread', type: 'profile', ...order, reply }, [reply]);
    });
  }
}
