import type { BreakerSnapshot, SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';
import type { BreakerAuthority } from './authority.ts';
import { byOf, takeBatch, toSyncUpstream, type BatchItem } from './batch.ts';
import type { BreakerCell } from './cell.ts';
import type { ProcessAuthority } from './process-authority.ts';
import { isUncontradicted, refusesAlone, staysIsolated } from './rejoin.ts';
import { forcedNotice, type BreakerNotice } from './view.ts';

export interface SyncLoopOptions {
  readonly cells: ReadonlyMap<string, BreakerCell>;
  readonly node: string;
  readonly authority: BreakerAuthority | undefined;
  readonly process: ProcessAuthority;
  readonly liveNodes: () => number;
  readonly clock: () => number;
  readonly random: () => number;
  /** Called with every answer of the authority that decides, after it is shown. */
  readonly onAnswer: (item: BatchItem, snapshot: BreakerSnapshot) => void;
  /** The authority of an upstream has changed: leases that are held must be made known to the new one. */
  readonly onMoved: (cell: BreakerCell) => void;
  readonly notify: (notice: BreakerNotice) => void;
}

/** A node that starts is given so long to reach Redis before it says that it does not. */
const START_MS = 2_000;
/** How long a reminder waits for somebody to contradict it. */
const OBJECTION_MS = 900;

/**
 * Carries what happened to whoever decides and shows the threads the answer: the process's own machine at once, Redis
 * in one exchange at a time (what comes up meanwhile joins the next). Falls back to the process when Redis does not
 * answer, and takes its truth over when it does again.
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions;
  /** No answer from Redis since the last failure, or since the start. */
  down = true;
  busy = false;
  /** What was last said of Redis. */
  #told: 'nothing' | 'cluster' | 'process' = 'nothing';
  readonly #startedMs: number;
  #again = false;
  #closed = false;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
    this.#startedMs = options.clock();
  }

  pump(): void {
    if (this.#closed) return;
    this.#drainProcess();
    this.#again = true;
    if (!this.busy && this.#options.authority !== undefined) void this.#syncCluster(this.#options.authority);
  }

  close(): void {
    this.#closed = true;
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
      cell.look();
      this.pump();
    });
    const forced = forcedNotice(cell, before, nowMs);
    if (forced !== undefined) this.#options.notify(forced);
    if (from === cell.kind) return;
    const { name: upstream, kind: to, epoch, reason, scope } = cell;
    const change = { upstream, mode: cell.upstream.mode, scope, from, to, epoch, reason };
    this.#options.notify({ type: 'transition', change });
  }

  #request(items: readonly BatchItem[]): SyncRequest {
    const { node, liveNodes, random } = this.#options;
    return { node, liveNodes: liveNodes(), upstreams: items.map((item) => toSyncUpstream(item, random())) };
  }

  /** An answer may leave something to say at once (a permit nobody waits for goes back), but never for ever. */
  #drainProcess(): void {
    this.#syncProcess();
    for (const cell of this.#options.cells.values()) if (cell.processOps.length > 0) return this.#syncProcess();
  }

  #syncProcess(): void {
    const { cells, process, onAnswer } = this.#options;
    const items = takeBatch(cells.values(), 'process');
    if (items.length === 0) return;
    const reply = process.sync(this.#request(items));
    for (const [i, item] of items.entries()) {
      const snapshot = reply[i];
      if (snapshot === undefined) continue;
      this.show(item.cell, snapshot, { overrule: item.opened, ...byOf(item) });
      onAnswer(item, snapshot);
      item.cell.taken(item.ops, 'process');
      if (item.cell.scope === 'isolated' && item.cell.kind === 'CLOSED') this.#leaveIsolation(item.cell);
    }
  }

  async #syncCluster(authority: BreakerAuthority): Promise<void> {
    this.busy = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        if (!authority.reachable()) {
          this.#lose('not connected', []);
          return;
        }
        const items = takeBatch(this.#options.cells.values(), 'cluster');
        if (items.length > 0 && !(await this.#exchange(authority, items))) return;
      }
    } finally {
      this.busy = false;
    }
  }

  async #exchange(authority: BreakerAuthority, items: readonly BatchItem[]): Promise<boolean> {
    let reply: SyncReply;
    try {
      reply = await authority.sync(this.#request(items));
    } catch (error) {
      if (!this.#closed) this.#lose(error instanceof Error ? error.message : String(error), items);
      return false;
    }
    if (this.#closed) return false;
    this.#drainProcess(); // what threads did since must be known before the truth is taken over
    this.down = false;
    this.#tell('cluster', 'connected');
    for (const [i, item] of items.entries()) {
      const snapshot = reply[i];
      item.cell.confirm(item.ops);
      if (snapshot !== undefined && this.#options.cells.get(item.cell.name) === item.cell) this.#hear(item, snapshot);
      item.cell.taken(item.ops, 'cluster');
      if (item.cell.clusterOps.length > 0) this.#again = true;
    }
    return true;
  }

  #hear(item: BatchItem, snapshot: BreakerSnapshot): void {
    const { cell, opened } = item;
    if (cell.hinted && snapshot.epoch < cell.cluster.epoch) {
      // Two connections, no order between them: the event overtook this answer, or the hash was deleted. Ask again.
      cell.lookCluster = true;
      this.#again = true;
      return this.#options.onAnswer(item, snapshot);
    }
    cell.cluster = snapshot;
    if (cell.scope === 'process') return this.#rejoin(item);
    if (cell.scope === 'isolated') return this.#hearIsolated(item);
    if (refusesAlone(item, snapshot)) this.#isolate(cell);
    else this.show(cell, snapshot, { overrule: opened, ...byOf(item) });
    this.#options.onAnswer(item, snapshot);
  }

  /** The quorum is not there, but this node's own failures are: it refuses alone. */
  #isolate(cell: BreakerCell): void {
    const { failureThreshold: failures } = cell.upstream.rule;
    cell.scope = 'isolated';
    cell.marked = false;
    this.#options.process.seed(cell.name, cell.cluster);
    cell.clusterOps.push({ op: 'isolated', mark: 'set' });
    cell.processOps.push({ op: 'report', epoch: cell.cluster.epoch, failures, success: false, trip: 'none' });
    this.pump();
  }

  #leaveIsolation(cell: BreakerCell, said: { readonly by?: string } = {}): void {
    cell.scope = 'cluster';
    cell.reminded = undefined;
    cell.clusterOps.push({ op: 'isolated', mark: 'clear' });
    this.#options.process.forget(cell.name);
    this.show(cell, cell.cluster, { overrule: true, ...said });
    this.#options.onMoved(cell);
    cell.look();
  }

  /** While this node refuses alone, the cluster may come to the same view, or somebody may reset it. */
  #hearIsolated(item: BatchItem): void {
    const { cell } = item;
    const truth = cell.cluster;
    const reset = cell.marked && !truth.isolated;
    if (truth.kind !== 'CLOSED' || truth.forced !== undefined || reset) return this.#leaveIsolation(cell, byOf(item));
    cell.marked = truth.isolated;
    const { reminded } = cell;
    if (reminded === undefined || this.#options.clock() - reminded.atMs < OBJECTION_MS) return;
    cell.reminded = undefined;
    if (!isUncontradicted(truth, reminded, cell.upstream.rule.failureThreshold)) return;
    cell.clusterOps.push({ op: 'report', epoch: truth.epoch, failures: 1, success: false, trip: 'none' });
  }

  #rejoin(item: BatchItem): void {
    const { cell } = item;
    const truth = cell.cluster;
    // What was said here meanwhile goes first: the script knows whether somebody has said more since.
    if (cell.unconfirmed !== undefined) return cell.sayAgain(cell.unconfirmed);
    const { process, clock, onMoved } = this.#options;
    const local = process.ownView(cell.name);
    if (!staysIsolated(truth, local)) {
      cell.scope = 'cluster';
      process.forget(cell.name);
      this.show(cell, truth, { overrule: true, ...byOf(item) });
      return onMoved(cell);
    }
    cell.scope = 'isolated';
    cell.marked = false;
    cell.clusterOps.push({ op: 'isolated', mark: 'set' });
    if (local.kind !== 'OPEN') return; // its opening has run out: too old to tell others
    const failures = cell.upstream.rule.failureThreshold - 1;
    cell.reminded = { epoch: truth.epoch, atMs: clock() };
    cell.clusterOps.push({ op: 'remind', epoch: truth.epoch, failures });
  }

  /** Redis does not answer: go on alone from what is known; what was on its way is counted here. */
  #lose(reason: string, items: readonly BatchItem[]): void {
    const { cells, process, clock, onMoved } = this.#options;
    const unheard = new Map(items.map((item) => [item.cell, item.ops]));
    for (const cell of cells.values()) {
      const lost = [...(unheard.get(cell) ?? []), ...cell.clusterOps.splice(0)];
      const { scope } = cell;
      cell.scope = 'process';
      if (scope === 'cluster') {
        process.seed(cell.name, cell.asSnapshot(clock()));
        onMoved(cell);
      }
      // Where the process decided already only an operator's word is news to it, and that only once.
      cell.processOps.push(...lost.filter((op) => (op.op === 'force' ? cell.awaits(op) : scope === 'cluster')));
      if (scope === 'process') continue;
      cell.reminded = undefined;
      cell.look();
    }
    this.down = true;
    if (this.#told !== 'nothing' || clock() - this.#startedMs >= START_MS) this.#tell('process', reason);
    this.#drainProcess();
  }

  #tell(scope: 'cluster' | 'process', reason: string): void {
    if (this.#told === scope) return;
    this.#told = scope;
    this.#options.notify({ type: 'scope', scope, reason });
  }
}
