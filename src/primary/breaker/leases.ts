/** A request of a thread that waits for a permit, or a probe that holds one. */
export interface Lease {
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
export class LeaseTable {
  readonly #byId = new Map<string, Lease>();
  readonly #byThread = new Map<number, Map<number, Lease>>();
  readonly #prefix: string;
  #count = 0;

  /** @param prefix unique among nodes and process starts */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  ask(upstream: string, thread: number, threadId: number): Lease {
    this.#count += 1;
    const lease = { id: `${this.#prefix}.${this.#count}`, upstream, thread, threadId, epoch: undefined };
    this.#byId.set(lease.id, lease);
    let own = this.#byThread.get(thread);
    if (own === undefined) this.#byThread.set(thread, (own = new Map<number, Lease>()));
    own.set(threadId, lease);
    return lease;
  }

  /** The asker, unless its thread has died since: then the permit must go back. */
  find(id: string): Lease | undefined {
    return this.#byId.get(id);
  }

  drop(lease: Lease): void {
    this.#byId.delete(lease.id);
    this.#byThread.get(lease.thread)?.delete(lease.threadId);
  }

  /** The probe of a thread is over. */
  finish(thread: number, threadId: number): Lease | undefined {
    const lease = this.#byThread.get(thread)?.get(threadId);
    if (lease !== undefined) this.drop(lease);
    return lease;
  }

  threadGone(thread: number): readonly Lease[] {
    const own = [...(this.#byThread.get(thread)?.values() ?? [])];
    for (const lease of own) this.#byId.delete(lease.id);
    this.#byThread.delete(thread);
    return own;
  }

  held(): readonly Lease[] {
    return [...this.#byId.values()].filter((lease) => lease.epoch !== undefined);
  }
}
