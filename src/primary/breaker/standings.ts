import type { BreakerOp } from '../../shared/breaker/state.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';
import { byOf } from './batch.ts';
import type { BatchItem } from './batch.ts';
import type { BreakerCell } from './cell.ts';
import type { ProcessAuthority } from './process-authority.ts';
import { onHeard, onLost, onReunited } from './standing.ts';
import type { Move } from './standing.ts';
import { forcedNotice } from './view.ts';
import type { BreakerNotice } from './view.ts';

export interface StandingsOptions {
  readonly process: ProcessAuthority;
  readonly clock: () => number;
  /** Called with every answer of the authority that decides, after it is shown. */
  readonly onAnswer: (item: BatchItem, snapshot: BreakerSnapshot) => void;
  /** The authority of an upstream has changed: permits that are held must be made known to the new one. */
  readonly onMoved: (cell: BreakerCell) => void;
  readonly notify: (notice: BreakerNotice) => void;
  /** There is something to say. */
  readonly pump: () => void;
}

/** What an answer does: shows the threads what holds, and where this node stands elsewhere now, what that entails. */
export class Standings {
  readonly #options: StandingsOptions;

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  /**
   * Shows a state to the threads and tells the listeners.
   * @param how.by the operator whose word led to it, when it was said on this node
   */
  show(cell: BreakerCell, snapshot: BreakerSnapshot, how: { readonly overrule: boolean; readonly by?: string }): void {
    const { kind: from } = cell;
    const before = { forced: cell.forced, epoch: cell.epoch, by: how.by };
    const nowMs = this.#options.clock();
    if (!cell.show(snapshot, nowMs, how.overrule)) return; // a thread opened it just now; its attention comes
    cell.wakeAtEnd(nowMs, () => {
      cell.outbox.look();
      this.#options.pump();
    });
    const forced = forcedNotice(cell, before, nowMs);
    if (forced !== undefined) this.#options.notify(forced);
    if (from === cell.kind) return;
    const { name: upstream, kind: to, epoch, reason, standing } = cell;
    const oneClient = to !== 'CLOSED' && cell.narrow !== '';
    const change = { upstream, mode: cell.upstream.mode, scope: standing.kind, from, to, epoch, reason, oneClient };
    this.#options.notify({ type: 'transition', change });
  }

  /** The machine in this process has answered. */
  heardHere(item: BatchItem, snapshot: BreakerSnapshot): void {
    const { cell, ops } = item;
    this.show(cell, snapshot, { overrule: item.opened, ...byOf(item) });
    this.#options.onAnswer(item, snapshot);
    cell.outbox.taken(ops, 'node');
    if (cell.standing.kind === 'isolated' && cell.kind === 'CLOSED') this.#reunite(cell, onReunited());
  }

  /** The cluster has answered. */
  heard(item: BatchItem, snapshot: BreakerSnapshot): void {
    const { cell, opened } = item;
    const { kind: before } = cell.standing;
    if (!cell.hear(snapshot)) {
      this.#options.onAnswer(item, snapshot);
      return this.#options.pump();
    }
    // What was said here meanwhile goes first: the script knows whether somebody has said more since.
    const { unconfirmed } = cell.outbox;
    if (before === 'node' && unconfirmed !== undefined) return cell.outbox.repeatToCluster(unconfirmed);
    const move = onHeard(cell.standing, {
      truth: snapshot,
      local: this.#options.process.ownView(cell.name),
      ownEvidence: opened && cell.row.openedOnOwnEvidence(),
      rule: cell.upstream.rule,
      nowMs: this.#options.clock(),
    });
    const { kind: after } = move.standing;
    if (before === 'cluster') {
      if (after === 'isolated') this.#isolate(cell, move);
      else this.show(cell, snapshot, { overrule: opened, ...byOf(item) });
      return this.#options.onAnswer(item, snapshot);
    }
    if (after !== 'cluster') return cell.move(move);
    this.#reunite(cell, move, byOf(item));
  }

  /**
   * Redis does not answer.
   * @param unheard what was on its way: it is counted here
   */
  lost(cell: BreakerCell, unheard: readonly BreakerOp[]): void {
    const { process, clock, onMoved } = this.#options;
    const { kind: before } = cell.standing;
    const ops = [...unheard, ...cell.outbox.takeQueued('cluster')];
    cell.move({ standing: onLost(), say: [] });
    if (before === 'cluster') {
      process.seed(cell.name, cell.asSnapshot(clock()));
      onMoved(cell);
    }
    // Where the node decided already only an operator's word is news to it, and that only once.
    const news = ops.filter((op) => (op.op === 'force' ? cell.outbox.awaits(op) : before === 'cluster'));
    cell.outbox.say('node', ...news);
    if (before !== 'node') cell.outbox.look();
  }

  #isolate(cell: BreakerCell, move: Move): void {
    const { failureThreshold: failures } = cell.upstream.rule;
    cell.move(move);
    this.#options.process.seed(cell.name, cell.cluster);
    const tally = cell.row.tally(this.#options.clock());
    cell.outbox.say('node', { op: 'report', epoch: cell.cluster.epoch, failures, success: false, trip: 'none', tally });
    this.#options.pump();
  }

  #reunite(cell: BreakerCell, move: Move, said: { readonly by?: string } = {}): void {
    const { kind: before } = cell.standing;
    cell.move(move);
    this.#options.process.forget(cell.name);
    this.show(cell, cell.cluster, { overrule: true, ...said });
    this.#options.onMoved(cell);
    if (before === 'isolated') cell.outbox.look();
  }
}
