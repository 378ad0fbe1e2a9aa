import { permitOf } from '../../shared/breaker/permit-room.ts';

/** A request of a thread that waits for a permit, or a probe that holds one. */
export interface Permit {
  /** Unique in the cluster and over restarts. */
  readonly id: string;
  readonly upstream: string;
  readonly thread: number;
  /** The thread's own number for it. */
  readonly threadId: number;
  /** Epoch of the permit; undefined while it is only asked for. */
  epoch: number | undefined;
}

/** Who of this node's threads holds which permit. In the front, so that a dying thread takes none with it. */
export class PermitTable {
  readonly #byId = new Map<string, Permit>();
  readonly #byThread = new Map<number, Map<number, Permit>>();
  readonly #prefix: string;
  #count = 0;

  /** @param prefix unique among nodes and process starts */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  ask(upstream: string, from: { readonly thread: number; readonly id: number; readonly client: string }): Permit {
    const { thread, id: threadId, client } = from;
    this.#count += 1;
    const id = permitOf(`${this.#prefix}.${this.#count}`, client);
    const permit = { id, upstream, thread, threadId, epoch: undefined };
    this.#byId.set(permit.id, permit);
    let own = this.#byThread.get(thread);
    if (own === undefined) this.#byThread.set(thread, (own = new Map<number, Permit>()));
    own.set(threadId, permit);
    return permit;
  }

  /** The asker, unless its thread has died since: then the permit must go back. */
  find(id: string): Permit | undefined {
    return this.#byId.get(id);
  }

  drop(permit: Permit): void {
    this.#byId.delete(permit.id);
    this.#byThread.get(permit.thread)?.delete(permit.threadId);
  }

  /** The probe of a thread is over. */
  finish(thread: number, threadId: number): Permit | undefined {
    const permit = this.#byThread.get(thread)?.get(threadId);
    if (permit !== undefined) this.drop(permit);
    return permit;
  }

  threadGone(thread: number): readonly Permit[] {
    const own = [...(this.#byThread.get(thread)?.values() ?? [])];
    for (const permit of own) this.#byId.delete(permit.id);
    this.#byThread.delete(thread);
    return own;
  }

  held(): readonly Permit[] {
    return [...this.#byId.values()].filter((permit) => permit.epoch !== undefined);
  }
}
