import type { BreakerUpstream } from '../../shared/breaker/rule.ts';
import type { BreakerKind, BreakerOp, ForceOp } from '../../shared/breaker/state.ts';
import type { BreakerSnapshot, ForcedFor } from '../../shared/breaker/sync.ts';
import { SharedRow } from './shared-row.ts';

/**
 * Who decides over an upstream on this node: the cluster (Redis); this process, because Redis is gone or not
 * configured; or this process although Redis is there, because only this node has reason to refuse.
 */
export type BreakerScope = 'cluster' | 'process' | 'isolated';

export const NEVER_SEEN: BreakerSnapshot = {
  kind: 'CLOSED',
  epoch: 0,
  failures: 0,
  openForMs: 0,
  successes: 0,
  trips: 0,
  isolated: false,
  reason: '',
  forced: undefined,
  granted: [],
};

/** All the front knows of one upstream. */
export class BreakerCell {
  readonly name: string;
  readonly slot: number;
  readonly row: SharedRow;
  upstream: BreakerUpstream;
  scope: BreakerScope = 'process';
  /** What the threads see, and which epoch of the deciding authority it is. */
  kind: BreakerKind = 'CLOSED';
  epoch = 0;
  reason = '';
  failures = 0;
  successes = 0;
  trips = 0;
  /** Process clock; only means something while OPEN. */
  openUntilMs = 0;
  /** What an operator has forced; times of the process clock. */
  forced: { readonly state: ForcedFor['state']; readonly untilMs: number } | undefined;
  /** The last operator's word of this node (AUTO included) that the cluster may not know: said again on rejoining. */
  unconfirmed: ForceOp | undefined;
  /** What the cluster last said, whoever decides now. */
  cluster: BreakerSnapshot = NEVER_SEEN;
  /** The truth carries our mark of isolation; when it is gone somebody has reset the hash. */
  marked = false;
  /** Told the cluster at this time and epoch what it remembers of an outage, and waits for an objection. */
  reminded: { readonly epoch: number; readonly atMs: number } | undefined;
  /** An event came after the exchange that is under way was sent: its answer may be older than the event. */
  hinted = false;
  /** Read again at the next occasion, from either authority. */
  lookCluster = false;
  lookProcess = false;
  readonly clusterOps: BreakerOp[] = [];
  readonly processOps: BreakerOp[] = [];
  /** Who said each of the operators' ops of this node. */
  readonly #authors = new WeakMap<BreakerOp, string>();
  /** Operators' ops and who waits until an authority has taken them. */
  readonly #awaited = new Map<BreakerOp, (by: 'cluster' | 'process') => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(upstream: BreakerUpstream, slot: number, memory: SharedArrayBuffer) {
    this.name = upstream.name;
    this.slot = slot;
    this.upstream = upstream;
    this.row = new SharedRow(memory, slot);
    this.row.configure(upstream);
    this.row.reset();
  }

  /** Ops for whoever decides. */
  get ops(): BreakerOp[] {
    return this.scope === 'cluster' ? this.clusterOps : this.processOps;
  }

  /** A reload changed its numbers; its state stays. */
  configure(upstream: BreakerUpstream): void {
    this.upstream = upstream;
    this.row.configure(upstream);
  }

  /** Says every second that this node still refuses alone; a mark that somebody took away is not put back. */
  renewMark(): void {
    if (this.scope === 'isolated' && this.marked) this.clusterOps.push({ op: 'isolated', mark: 'renew' });
  }

  /** Resolves with the authority that takes the op (whose queue it must be put into). */
  taking(op: ForceOp, by: string): Promise<'cluster' | 'process'> {
    this.#authors.set(op, by);
    return new Promise((resolve) => void this.#awaited.set(op, resolve));
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
  sayAgain(word: ForceOp): void {
    if (!this.clusterOps.includes(word)) this.clusterOps.push(word);
  }

  /** The cluster has these ops. */
  confirm(ops: readonly BreakerOp[]): void {
    if (this.unconfirmed !== undefined && ops.includes(this.unconfirmed)) this.unconfirmed = undefined;
  }

  /** These ops have been taken. */
  taken(ops: readonly BreakerOp[], by: 'cluster' | 'process'): void {
    for (const op of this.#awaited.size === 0 ? [] : ops) {
      this.#awaited.get(op)?.(by);
      this.#awaited.delete(op);
    }
  }

  /** How much longer it is forced. */
  forcedFor(nowMs: number): ForcedFor | undefined {
    return this.forced && { state: this.forced.state, forMs: Math.max(0, Math.ceil(this.forced.untilMs - nowMs)) };
  }

  look(): void {
    this.lookCluster = true;
    this.lookProcess = true;
  }

  /** What another authority needs to go on from here. */
  asSnapshot(nowMs: number): BreakerSnapshot {
    return {
      ...this.cluster,
      kind: this.kind,
      epoch: this.epoch,
      failures: this.failures,
      successes: this.successes,
      trips: this.trips,
      openForMs: this.kind === 'OPEN' ? Math.max(0, Math.ceil(this.openUntilMs - nowMs)) : 0,
      forced: this.forcedFor(nowMs),
    };
  }

  /**
   * Shows the threads what the deciding authority says.
   * @param overrule an opening by a thread is known to the authority, and this is the answer to it
   * @returns false when it must be reported first
   */
  show(snapshot: BreakerSnapshot, nowMs: number, overrule: boolean): boolean {
    const { kind, epoch, forced } = snapshot;
    const asForced = forced?.state === this.forced?.state;
    const opened = this.row.openedByThread();
    const same = asForced && this.row.kind() === kind && (kind === 'CLOSED' || opened || epoch === this.epoch);
    const openUntilMs = nowMs + snapshot.openForMs;
    const askLimit = kind === 'HALF_OPEN' ? this.upstream.rule.halfOpenSuccesses - snapshot.successes : 0;
    const shown = {
      kind,
      failures: snapshot.failures,
      retryAtMs: openUntilMs,
      nowMs,
      askLimit,
      held: forced?.state === 'CLOSED',
    };
    if (!this.row.show(shown, { same, overrule: overrule || forced !== undefined })) return false;
    // Nothing stored any more: DEL, FLUSHDB, or a restart without persistence.
    if (snapshot.reason !== '') this.reason = snapshot.reason;
    else if (kind !== this.kind || !asForced) this.reason = 'reset';
    this.kind = kind;
    this.epoch = epoch;
    this.openUntilMs = openUntilMs;
    this.failures = snapshot.failures;
    this.successes = snapshot.successes;
    this.trips = snapshot.trips;
    this.forced = forced && { state: forced.state, untilMs: nowMs + forced.forMs };
    return true;
  }

  /** Calls back once when the opening, or what an operator has forced, should be over. */
  wakeAtEnd(nowMs: number, wake: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const endMs = this.forced?.untilMs ?? (this.kind === 'OPEN' ? this.openUntilMs : undefined);
    if (endMs === undefined) return;
    const waitMs = Math.min(Math.max(1, Math.ceil(endMs - nowMs) + 1), 0x7fff_ffff);
    this.#timer = setTimeout(wake, waitMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.taken([...this.#awaited.keys()], 'process');
  }
}
