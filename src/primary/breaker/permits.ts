import { clientOf } from '../../shared/breaker/permit-room.ts';
import type { ToBreakerThread } from '../../shared/breaker/messages.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';
import type { ProbeOutcome } from '../../shared/breaker/state.ts';
import type { BatchItem } from './batch.ts';
import type { BreakerCell } from './cell.ts';
import { PermitTable } from './permit-table.ts';
import type { Permit } from './permit-table.ts';

/** After a refusal the threads of this node do not ask again for so long; a new state ends it at once. */
const DENY_MS = 25;

export interface PermitsOptions {
  readonly cells: ReadonlyMap<string, BreakerCell>;
  /** Starts permit ids; unique among nodes and starts. */
  readonly node: string;
  readonly clock: () => number;
  readonly send: (thread: number, message: ToBreakerThread) => void;
}

/** The threads' asks and probes: turns them into ops for whoever decides, and its answers into messages. */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #table: PermitTable;

  constructor(options: PermitsOptions) {
    this.#options = options;
    this.#table = new PermitTable(options.node);
  }

  ask(cell: BreakerCell, from: { readonly thread: number; readonly id: number; readonly client: string }): void {
    cell.say({ op: 'ask', permit: this.#table.ask(cell.name, from).id });
  }

  result(thread: number, threadId: number, outcome: ProbeOutcome): void {
    const permit = this.#table.finish(thread, threadId);
    if (permit !== undefined) this.#giveBack(permit, outcome);
  }

  threadGone(thread: number): void {
    for (const permit of this.#table.threadGone(thread)) this.#giveBack(permit, 'aborted');
  }

  /** Answers of one batch to its asks. */
  answer(item: BatchItem, snapshot: BreakerSnapshot): void {
    const { cell } = item;
    for (const op of item.ops) {
      if (op.op !== 'ask') continue;
      const permit = this.#table.find(op.permit);
      const granted = snapshot.granted.includes(op.permit);
      if (granted && permit !== undefined) permit.epoch = snapshot.epoch;
      else if (granted) cell.say({ op: 'result', epoch: snapshot.epoch, permit: op.permit, outcome: 'aborted' });
      else this.#deny(cell, op.permit);
      if (permit !== undefined)
        this.#options.send(permit.thread, { type: 'breaker-answer', id: permit.threadId, granted });
    }
  }

  /** Keeps the permits of probes in flight alive, and makes them known to an authority that has not granted them. */
  renew(only?: BreakerCell): void {
    for (const { upstream, epoch, id } of this.#table.held()) {
      const cell = this.#options.cells.get(upstream);
      if (cell === undefined || epoch === undefined || (only !== undefined && only !== cell)) continue;
      cell.say({ op: 'renew', epoch, permit: id });
    }
  }

  #deny(cell: BreakerCell, id: string): void {
    const permit = this.#table.find(id);
    if (permit !== undefined) this.#table.drop(permit);
    cell.row.deny(clientOf(id), { nowMs: this.#options.clock(), forMs: DENY_MS });
  }

  #giveBack(permit: Permit, outcome: ProbeOutcome): void {
    const cell = this.#options.cells.get(permit.upstream);
    // Not granted yet: `answer` will find nobody waiting and give it back.
    if (cell === undefined || permit.epoch === undefined) return;
    cell.say({ op: 'result', epoch: permit.epoch, permit: permit.id, outcome });
    if (cell.standing.kind !== 'isolated' || outcome !== 'failure') return;
    // This node is on its own, but a fresh failure is evidence for the cluster like any other.
    const { epoch } = cell.cluster;
    cell.outbox.say('cluster', { op: 'report', epoch, failures: 1, success: false, trip: 'none' });
  }
}
