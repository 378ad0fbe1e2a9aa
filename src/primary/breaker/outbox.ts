import type { BreakerOp, ForceOp } from '../../shared/breaker/state.ts';

/** One of the two that hold a state of a breaker. */
export type Authority = 'cluster' | 'node';

/** What this node has still to say of one upstream to either authority, and which operators wait until it is said. */
export class Outbox {
  readonly #queues: Record<Authority, BreakerOp[]> = { cluster: [], node: [] };
  /** Read again at the next occasion. */
  readonly #looks: Record<Authority, boolean> = { cluster: false, node: false };
  /** The last operator's word of this node (AUTO included) that the cluster may not know. */
  #unconfirmed: ForceOp | undefined;
  /** Who said each of the operators' ops of this node. */
  readonly #authors = new WeakMap<BreakerOp, string>();
  /** Operators' ops and who waits until an authority has taken them. */
  readonly #awaited = new Map<BreakerOp, (by: Authority) => void>();

  /** What the cluster must be told again before its truth is taken over. */
  get unconfirmed(): ForceOp | undefined {
    return this.#unconfirmed;
  }

  say(to: Authority, ...ops: readonly BreakerOp[]): void {
    this.#queues[to].push(...ops);
  }

  has(to: Authority): boolean {
    return this.#queues[to].length > 0;
  }

  /** With no authority named: either. */
  look(at?: Authority): void {
    if (at !== 'node') this.#looks.cluster = true;
    if (at !== 'cluster') this.#looks.node = true;
  }

  /** All there is to say to one authority; asking for its state is over with that, too. */
  take(to: Authority): { readonly ops: readonly BreakerOp[]; readonly look: boolean } {
    const look = this.#looks[to];
    this.#looks[to] = false;
    return { ops: this.takeQueued(to), look };
  }

  takeQueued(to: Authority): readonly BreakerOp[] {
    return this.#queues[to].splice(0);
  }

  /**
   * An operator's word.
   * @param how.remember for a cluster that may not hear it now
   * @returns resolves with the authority that has taken it
   */
  force(word: ForceOp, how: { readonly to: Authority; readonly by: string; readonly remember: boolean }) {
    this.say(how.to, word);
    if (how.remember) this.#unconfirmed = word;
    this.#authors.set(word, how.by);
    return new Promise<Authority>((resolve) => void this.#awaited.set(word, resolve));
  }

  /** Whether no authority has taken it yet; with no op, whether there is such a one. */
  awaits(op?: BreakerOp): boolean {
    return op === undefined ? this.#awaited.size > 0 : this.#awaited.has(op);
  }

  /** Who said the last of the operators' words among the ops; undefined = there is none. */
  authorOf(ops: readonly BreakerOp[]): string | undefined {
    const word = ops.findLast(({ op }) => op === 'force');
    return word && this.#authors.get(word);
  }

  /** To the cluster, unless it is to be said anyway. */
  repeatToCluster(word: ForceOp): void {
    if (!this.#queues.cluster.includes(word)) this.say('cluster', word);
  }

  /** The cluster has these ops. */
  confirm(ops: readonly BreakerOp[]): void {
    if (this.#unconfirmed !== undefined && ops.includes(this.#unconfirmed)) this.#unconfirmed = undefined;
  }

  /** These ops have been taken. */
  taken(ops: readonly BreakerOp[], by: Authority): void {
    for (const op of this.#awaited.size === 0 ? [] : ops) {
      this.#awaited.get(op)?.(by);
      this.#awaited.delete(op);
    }
  }

  close(): void {
    this.taken([...this.#awaited.keys()], 'node');
  }
}
