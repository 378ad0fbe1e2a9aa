import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../shared/log.ts';
import type { FromFrontThread, ToFrontThread } from '../../shared/threads/protocol.ts';
import { probeListen } from '../process/listen-problem.ts';
import type { Acceptor, RingMember } from './acceptor.ts';

/** A thread that could not listen is asked again after this. */
const AGAIN_MS = 1_000;

export interface PublicAcceptorOptions {
  /** Whether several threads can listen on one port; else one at a time does. */
  readonly reusePort: boolean;
  readonly send: (slot: number, message: ToFrontThread) => void;
  readonly log: Log;
}

interface Waiter {
  resolve(port: number): void;
  reject(error: Error): void;
}

/** Where Node's own handles cannot be had: each thread of the ring listens itself, and the kernel chooses among them. */
export class PublicAcceptor implements Acceptor {
  readonly kind = 'public';
  readonly #options: PublicAcceptorOptions;
  readonly #members = new Map<number, 'waiting' | 'asked' | 'listening'>();
  /** Out of the ring, and may still listen. */
  readonly #leaving = new Set<number>();
  #place: { readonly host: string; port: number } | undefined;
  #waiter: Waiter | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(options: PublicAcceptorOptions) {
    this.#options = options;
  }

  readonly ring = {
    add: ({ slot }: RingMember): void => {
      if (this.#members.has(slot)) return;
      this.#leaving.delete(slot);
      this.#members.set(slot, 'waiting');
      this.#ask();
    },
    remove: ({ slot }: RingMember): void => {
      const state = this.#members.get(slot);
      this.#members.delete(slot);
      if (state === undefined || state === 'waiting') return;
      this.#leaving.add(slot);
      this.#options.send(slot, { type: 'unlisten' });
    },
  };

  forThread() {
    return { kind: 'public' } as const;
  }

  threadGone(slot: number): void {
    this.#leaving.delete(slot);
    this.#ask();
  }

  receive(slot: number, message: FromFrontThread): void {
    switch (message.type) {
      case 'listened':
        this.#onListened(slot, message.port);
        return;
      case 'listen-failed':
        this.#onFailed(slot, message.code);
        return;
      case 'unlistened':
        this.#leaving.delete(slot);
        this.#ask();
        return;
      default:
        message satisfies never;
    }
  }

  async listen(host: string, port: number): Promise<number> {
    // A socket that shares its port would share it with a process that is not ours too.
    const problem = port === 0 ? undefined : await probeListen(host, port);
    if (problem !== undefined) throw problem;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#place = { host, port };
      this.#ask();
    });
  }

  readonly problem = '';
  readonly refusedByRate = 0;

  refused(): number {
    return 0;
  }

  configure(): void {}

  async stopAccepting(): Promise<void> {
    await nextTurn(); // right after one in which all that had come was accepted
  }

  close(): void {
    clearTimeout(this.#again);
    this.#place = undefined;
    for (const slot of this.#members.keys()) this.ring.remove({ slot, descriptor: undefined });
  }

  #ask(): void {
    const place = this.#place;
    if (place === undefined) return;
    for (const [slot, state] of this.#members) {
      if (state !== 'waiting') continue;
      const one = !this.#options.reusePort || place.port === 0; // the first finds out which port is free
      const busy = this.#leaving.size > 0 || [...this.#members.values()].some((each) => each !== 'waiting');
      if (one && busy) return;
      this.#members.set(slot, 'asked');
      this.#options.send(slot, { type: 'listen', ...place, reusePort: this.#options.reusePort });
    }
  }

  #onListened(slot: number, port: number): void {
    if (this.#members.has(slot)) this.#members.set(slot, 'listening');
    if (this.#place !== undefined) this.#place.port = port;
    this.#waiter?.resolve(port);
    this.#waiter = undefined;
    this.#ask();
  }

  #onFailed(slot: number, code: string): void {
    if (this.#members.has(slot)) this.#members.set(slot, 'waiting');
    this.#leaving.delete(slot);
    if (this.#waiter !== undefined) {
      this.#waiter.reject(Object.assign(new Error(`listen: ${code}`), { code }));
      this.#waiter = undefined;
      this.#place = undefined;
      return;
    }
    this.#options.log.error({ thread: slot, code }, 'a request thread cannot listen');
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#ask();
    }, AGAIN_MS);
  }
}
