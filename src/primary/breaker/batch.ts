import type { BreakerOp } from '../../shared/breaker/state.ts';
import type { SyncUpstream } from '../../shared/breaker/sync.ts';
import type { BreakerCell } from './cell.ts';
import type { Authority } from './outbox.ts';

/** What is said about one upstream in one exchange with an authority. */
export interface BatchItem {
  readonly cell: BreakerCell;
  readonly ops: readonly BreakerOp[];
  /** A thread had opened the breaker when the counts were taken: the answer confirms or overrules that. */
  readonly opened: boolean;
}

/** Takes all there is to say to one authority; counts of the threads go to the one that decides. */
export function takeBatch(cells: Iterable<BreakerCell>, to: Authority, nowMs: number): readonly BatchItem[] {
  const batch: BatchItem[] = [];
  for (const cell of cells) {
    const decides = to === cell.authority;
    const opened = decides && cell.row.openedByThread();
    const report = decides ? cell.row.takeReport(cell.epoch, nowMs) : undefined;
    const { ops: queued, look } = cell.takeWords(to);
    // Asks last: no other op of the batch can then move the state under a permit that was just given.
    const ops = [
      ...(report === undefined ? [] : [report]),
      ...queued.filter((op) => op.op !== 'ask'),
      ...queued.filter((op) => op.op === 'ask'),
    ];
    // A machine of this node that does not decide is not asked for its own sake.
    if (ops.length > 0 || (look && (to === 'cluster' || decides))) batch.push({ cell, ops, opened });
  }
  return batch;
}

/** The operator of this node whose word is the last one in the batch, if there is one. */
export const byOf = ({ cell, ops }: BatchItem): { readonly by?: string } => {
  const by = cell.outbox.authorOf(ops);
  return by === undefined ? {} : { by };
};

export const toSyncUpstream = (item: BatchItem, random: number): SyncUpstream => ({
  name: item.cell.name,
  rule: item.cell.upstream.rule,
  window: item.cell.upstream.window,
  random,
  ops: item.ops,
});
