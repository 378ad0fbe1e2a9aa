import type { BreakerOp } from '../../shared/breaker/state.ts';
import type { SyncUpstream } from '../../shared/breaker/sync.ts';
import type { BreakerCell } from './cell.ts';

/** What is said about one upstream in one exchange with an authority. */
export interface BatchItem {
  readonly cell: BreakerCell;
  readonly ops: readonly BreakerOp[];
  /** A thread had opened the breaker when the counts were taken: the answer confirms or overrules that. */
  readonly opened: boolean;
}

/** Takes all there is to say to one authority; counts of the threads go to the one that decides. */
export function takeBatch(cells: Iterable<BreakerCell>, to: 'cluster' | 'process'): readonly BatchItem[] {
  const batch: BatchItem[] = [];
  for (const cell of cells) {
    const decides = (to === 'cluster') === (cell.scope === 'cluster');
    const opened = decides && cell.row.openedByThread();
    const report = decides ? cell.row.takeReport(cell.epoch) : undefined;
    const queued = (to === 'cluster' ? cell.clusterOps : cell.processOps).splice(0);
    const look = to === 'cluster' ? cell.lookCluster : cell.lookProcess && decides;
    if (to === 'cluster') {
      cell.lookCluster = false;
      cell.hinted = false;
    } else {
      cell.lookProcess = false;
    }
    // Asks last: no other op of the batch can then move the state under a permit that was just given.
    const ops = [
      ...(report === undefined ? [] : [report]),
      ...queued.filter((op) => op.op !== 'ask'),
      ...queued.filter((op) => op.op === 'ask'),
    ];
    if (ops.length > 0 || look) batch.push({ cell, ops, opened });
  }
  return batch;
}

/** The operator of this node whose word is the last one in the batch, if there is one. */
export const byOf = ({ cell, ops }: BatchItem): { readonly by?: string } => {
  const by = cell.authorOf(ops);
  return by === undefined ? {} : { by };
};

export const toSyncUpstream = (item: BatchItem, random: number): SyncUpstream => ({
  name: item.cell.name,
  rule: item.cell.upstream.rule,
  random,
  ops: item.ops,
});
