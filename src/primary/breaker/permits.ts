import type { ToBreakerThread } from '../../shared/breaker/messages.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';
import type { ProbeOutcome } from '../../shared/breaker/state.ts';
import type { BatchItem } from './batch.ts';
import type { BreakerCell } from './cell.ts';
import { LeaseTable, type Lease } from './leases.ts';

/** After a refusal the threads of this node do not ask again for so long; a new state ends it at once. */
const DENY_MS = 25;

export interface PermitsOptions {
  readonly cells: ReadonlyMap<string, BreakerCell>;
  /** Starts lease ids; unique among nodes and starts. */
  readonly node: string;
  readonly clock: () => number;
  readonly send: (thread: number, message: ToBreakerThread) => void;
}

/** The threads' asks and probes: turns them into ops for whoever decides, and its answers into messages. */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #leases: LeaseTable;

  constructor(options: PermitsOptions) {
    this.#options = options;
    this.#leases = new LeaseTable(options.node);
  }

  ask(cell: BreakerCell, thread: number, threadId: number): void {
    cell.say({ op: 'ask', lease: this.#leases.ask(cell.name, thread, threadId).id });
  }

  result(thread: number, threadId: number, outcome: ProbeOutcome): void {
    const lease = this.#leases.finish(thread, threadId);
    if (lease !== undefined) this.#giveBack(lease, outcome);
  }

  threadGone(thread: number): void {
    for (const lease of this.#leases.threadGone(thread)) this.#giveBack(lease, 'aborted');
  }

  /** Answers of one batch to its asks. */
  answer(item: BatchItem, snapshot: BreakerSnapshot): void {
    const { cell } = item;
    for (const op of item.ops) {
      if (op.op !== 'ask') continue;
      const lease = this.#leases.find(op.lease);
      const granted = snapshot.granted.includes(op.lease);
      if (granted && lease !== undefined) lease.epoch = snapshot.epoch;
      else if (granted) cell.say({ op: 'result', epoch: snapshot.epoch, lease: op.lease, outcome: 'aborted' });
      else this.#deny(cell, lease);
      if (lease !== undefined)
        this.#options.send(lease.thread, { type: 'breaker-answer', id: lease.threadId, granted });
    }
  }

  /** Keeps the leases of probes in flight alive, and makes them known to an authority that has not granted them. */
  renew(only?: BreakerCell): void {
    for (const { upstream, epoch, id } of this.#leases.held()) {
      const cell = this.#options.cells.get(upstream);
      if (cell === undefined || epoch === undefined || (only !== undefined && only !== cell)) continue;
      cell.say({ op: 'renew', epoch, lease: id });
    }
  }

  #deny(cell: BreakerCell, lease: Lease | undefined): void {
    if (lease !== undefined) this.#leases.drop(lease);
    cell.row.denyUntil(this.#options.clock() + DENY_MS);
  }

  #giveBack(lease: Lease, outcome: ProbeOutcome): void {
    const cell = this.#options.cells.get(lease.upstream);
    // Not granted yet: `answer` will find nobody waiting and give it back.
    if (cell === undefined || lease.epoch === undefined) return;
    cell.say({ op: 'result', epoch: lease.epoch, lease: lease.id, outcome });
    if (cell.standing.kind !== 'isolated' || outcome !== 'failure') return;
    // This node is on its own, but a fresh failure is evidence for the cluster like any other.
    const { epoch } = cell.cluster;
    cell.outbox.say('cluster', { op: 'report', epoch, failures: 1, success: false, trip: 'none' });
  }
}
