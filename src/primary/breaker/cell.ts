import type { BreakerUpstream } from '../../shared/breaker/rule.ts';
import type { BreakerKind, BreakerOp } from '../../shared/breaker/state.ts';
import type { BreakerSnapshot, ForcedFor } from '../../shared/breaker/sync.ts';
import { Outbox } from './outbox.ts';
import type { Authority } from './outbox.ts';
import { SharedRow } from './shared-row.ts';
import { ALONE } from './standing.ts';
import type { Move, Standing } from './standing.ts';

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
  narrow: '',
  calm: 0,
  granted: [],
};

/** A node without failures of its own says this often at most what it saw. */
const TALLY_MS = 1_000;

/** All the front knows of one upstream. */
export class BreakerCell {
  readonly name: string;
  readonly place: number;
  readonly row: SharedRow;
  readonly outbox = new Outbox();
  upstream: BreakerUpstream;
  #standing: Standing = ALONE;
  /** What the threads see, and which epoch of the deciding authority it is. */
  kind: BreakerKind = 'CLOSED';
  epoch = 0;
  reason = '';
  failures = 0;
  successes = 0;
  trips = 0;
  /** Client that alone proved an opening; '' = several did. */
  narrow = '';
  /** What the row had counted when this node last saw it become HALF_OPEN. */
  #refusedBefore = 0;
  /** Process clock; only means something while OPEN. */
  openUntilMs = 0;
  /** What an operator has forced; times of the process clock. */
  forced: { readonly state: ForcedFor['state']; readonly untilMs: number } | undefined;
  /** What the cluster last said, whoever decides now. */
  #cluster: BreakerSnapshot = NEVER_SEEN;
  /** An event came after the exchange that is under way was sent: its answer may be older than the event. */
  #hinted = false;
  #timer: NodeJS.Timeout | undefined;
  #talliedMs = Number.NEGATIVE_INFINITY;

  constructor(upstream: BreakerUpstream, place: number, memory: SharedArrayBuffer) {
    this.name = upstream.name;
    this.place = place;
    this.upstream = upstream;
    this.row = new SharedRow(memory, place);
    this.row.configure(upstream);
    this.row.reset();
  }

  get standing(): Standing {
    return this.#standing;
  }

  get cluster(): BreakerSnapshot {
    return this.#cluster;
  }

  /** Who decides. */
  get authority(): Authority {
    return this.#standing.kind === 'cluster' ? 'cluster' : 'node';
  }

  /** It stands elsewhere now, or as before; the cluster will be told what belongs to it. */
  move({ standing, say }: Move): void {
    this.#standing = standing;
    this.outbox.say('cluster', ...say);
  }

  /** To whoever decides. */
  say(op: BreakerOp): void {
    this.outbox.say(this.authority, op);
  }

  /** What an authority is to be told now. */
  takeWords(to: Authority): ReturnType<Outbox['take']> {
    if (to === 'cluster') this.#hinted = false;
    return this.outbox.take(to);
  }

  /** An event has told what the cluster holds now. */
  hint(snapshot: BreakerSnapshot): void {
    this.#cluster = snapshot;
    this.#hinted = true;
  }

  /**
   * The cluster has answered.
   * @returns false when an event has overtaken the answer (two connections, no order between them), or the hash was
   *   deleted: it will be asked again
   */
  hear(snapshot: BreakerSnapshot): boolean {
    if (this.#hinted && snapshot.epoch < this.#cluster.epoch) {
      this.outbox.look('cluster');
      return false;
    }
    this.#cluster = snapshot;
    return true;
  }

  /**
   * Another node has seen failures: what this one saw of its clients goes to the cluster, so that none decides alone.
   * @returns whether there is anything to say
   */
  sayTally(nowMs: number): boolean {
    if (this.authority !== 'cluster' || nowMs - this.#talliedMs < TALLY_MS) return false;
    const tally = this.row.tally(nowMs);
    if (tally.clients.length === 0) return false;
    this.#talliedMs = nowMs;
    this.say({ op: 'report', epoch: this.epoch, failures: 0, success: false, trip: 'none', tally });
    return true;
  }

  /** A reload changed its numbers; its state stays. */
  configure(upstream: BreakerUpstream): void {
    this.upstream = upstream;
    this.row.configure(upstream);
  }

  /** Says every second that this node still refuses alone; a mark that somebody took away is not put back. */
  renewMark(): void {
    const standing = this.#standing;
    if (standing.kind === 'isolated' && standing.marked) this.outbox.say('cluster', { op: 'isolated', mark: 'renew' });
  }

  /** How much longer it is forced. */
  forcedFor(nowMs: number): ForcedFor | undefined {
    return this.forced && { state: this.forced.state, forMs: Math.max(0, Math.ceil(this.forced.untilMs - nowMs)) };
  }

  /** It waits for a first request that could be a probe: nobody has been turned away since it became HALF_OPEN. */
  get quiet(): boolean {
    return this.row.kind() === 'HALF_OPEN' && this.row.refused() === this.#refusedBefore;
  }

  /** What another authority needs to go on from here. */
  asSnapshot(nowMs: number): BreakerSnapshot {
    return {
      ...this.#cluster,
      kind: this.kind,
      epoch: this.epoch,
      failures: this.failures,
      successes: this.successes,
      trips: this.trips,
      narrow: this.narrow,
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
      narrow: snapshot.narrow,
      othersLimit: snapshot.trips > 1 ? this.upstream.rule.halfOpenSuccesses : 0,
      calm: snapshot.calm,
      held: forced?.state === 'CLOSED',
    };
    if (!this.row.show(shown, { same, overrule: overrule || forced !== undefined })) return false;
    // Nothing stored any more: DEL, FLUSHDB, or a restart without persistence.
    if (snapshot.reason !== '') this.reason = snapshot.reason;
    else if (kind !== this.kind || !asForced) this.reason = 'reset';
    if (kind === 'HALF_OPEN' && kind !== this.kind) this.#refusedBefore = this.row.refused();
    this.kind = kind;
    this.epoch = epoch;
    this.openUntilMs = openUntilMs;
    this.failures = snapshot.failures;
    this.successes = snapshot.successes;
    this.trips = snapshot.trips;
    this.narrow = snapshot.narrow;
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
    this.outbox.close();
  }
}
