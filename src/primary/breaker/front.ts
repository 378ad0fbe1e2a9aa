import type { BreakerEvent } from '../../shared/redis/events.ts';
import { ATTENTION } from '../../shared/breaker/memory.ts';
import type { BreakerPlaces, FromBreakerThread } from '../../shared/breaker/messages.ts';
import type { BreakerUpstream } from '../../shared/breaker/rule.ts';
import { BreakerCell } from './cell.ts';
import type { BreakerFrontOptions } from './front-options.ts';
import { hintedBy } from './hint.ts';
import { Permits } from './permits.ts';
import { ProcessAuthority } from './process-authority.ts';
import { PlaceTable } from './places.ts';
import { Standings } from './standings.ts';
import { SyncLoop } from './sync-loop.ts';
import { guardedListener, viewOf } from './view.ts';
import type { BreakerView, ForceOptions, ForceOutcome } from './view.ts';

/**
 * The truth is read again this often: a constant cost of one command per node and second whatever the traffic, so
 * that a lost event heals. Requests to a CLOSED and succeeding upstream cost Redis nothing at all.
 */
const REREAD_MS = 1_000;
/** While Redis is gone, how often to see whether the client has connected again (asks only the client). */
const RETRY_MS = 200;
const DOUBT_MS = 100;
const DEFAULT_BATCH_MS = 10;

/** The node's side of all breakers: between its threads (shared memory, messages) and the truth (Redis, or here). */
export class BreakerFront {
  readonly #options: BreakerFrontOptions;
  readonly #header: Int32Array;
  readonly #cells = new Map<string, BreakerCell>();
  readonly #placeTable: PlaceTable;
  #places: BreakerPlaces = new Map();
  readonly #permits: Permits;
  readonly #process: ProcessAuthority;
  readonly #standings: Standings;
  readonly #loop: SyncLoop;
  readonly #batchMs: number;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #flushTimer: NodeJS.Timeout | undefined;
  #doubtTimer: NodeJS.Timeout | undefined;
  readonly #tickTimer: NodeJS.Timeout;
  #ticks = 0;

  constructor(options: BreakerFrontOptions) {
    const { memory, node, authority, clock, wallClock, random, liveNodes, send } = options;
    const cells = this.#cells;
    this.#options = options;
    this.#header = new Int32Array(memory);
    this.#placeTable = new PlaceTable(memory);
    const offsetMs = wallClock() - clock();
    const process = new ProcessAuthority(clock, offsetMs);
    this.#process = process;
    this.#permits = new Permits({ cells, node, clock, send });
    this.#batchMs = options.batchMs ?? DEFAULT_BATCH_MS;
    const notify = guardedListener(options.listener, options.onListenerError);
    const standings = new Standings({
      process,
      clock,
      notify,
      onAnswer: (item, snapshot) => this.#permits.answer(item, snapshot),
      onMoved: (cell) => this.#permits.renew(cell),
      pump: () => this.#loop.pump(),
    });
    this.#standings = standings;
    this.#loop = new SyncLoop({ cells, standings, node, authority, process, liveNodes, clock, random, notify });
    this.#tickTimer = setInterval(() => this.#tick(), RETRY_MS);
    this.configure(options.upstreams);
  }

  /** Place of every upstream, for workerData and for the message that carries a new configuration. */
  places(): BreakerPlaces {
    return this.#places;
  }

  /** A new configuration; upstreams that stay keep their state. Call before the threads get the new places. */
  configure(upstreams: readonly BreakerUpstream[]): void {
    const wanted = new Map(upstreams.filter((u) => u.mode !== 'off').map((upstream) => [upstream.name, upstream]));
    for (const [name, cell] of this.#cells) {
      if (wanted.has(name)) continue;
      this.#cells.delete(name);
      this.#process.forget(name);
      cell.row.retire();
      cell.close();
    }
    const places = this.#placeTable.assign([...wanted.keys()]);
    for (const [name, upstream] of wanted) {
      const place = places.get(name) ?? 0;
      const known = this.#cells.get(name);
      if (known !== undefined) known.configure(upstream);
      else if (place !== 0) this.#cells.set(name, new BreakerCell(upstream, place, this.#options.memory));
    }
    this.#places = new Map(upstreams.map(({ name }) => [name, places.get(name) ?? 0]));
    this.#lookAll();
  }

  /** A message of a thread. */
  receive(thread: number, message: FromBreakerThread): void {
    switch (message.type) {
      case 'breaker-attention':
        return this.#attend();
      case 'breaker-ask': {
        const cell = this.#byPlace(message.place);
        if (cell !== undefined) this.#permits.ask(cell, { thread, id: message.id, client: message.client });
        else this.#options.send(thread, { type: 'breaker-answer', id: message.id, granted: false });
        return this.#pump();
      }
      case 'breaker-other': {
        const cell = this.#byPlace(message.place);
        if (cell === undefined || cell.row.word() !== message.token) return;
        const { culprit, client, outcome } = message;
        cell.say({ op: 'other', culprit, client, outcome });
        return this.#pump();
      }
      case 'breaker-result':
        this.#permits.result(thread, message.id, message.outcome);
        return this.#pump();
      default:
        return message satisfies never;
    }
  }

  /** A thread has ended, however: its probes are aborted. */
  threadGone(thread: number): void {
    this.#permits.threadGone(thread);
    this.#pump();
  }

  /** A message from the channel: a hint, applied at once; the truth is read again within a second anyway. */
  hint(event: BreakerEvent): void {
    const cell = this.#cells.get(event.upstream);
    if (cell === undefined || cell.standing.kind === 'node') return;
    if (cell.standing.kind === 'isolated') return this.#look(cell);
    // Our own operator's word, said by the script: its answer is under way, and tells whose word it is.
    if (event.node === this.#options.node && cell.outbox.awaits()) return;
    const hinted = hintedBy(event, cell.cluster);
    if (hinted === undefined) return;
    if (hinted === 'read-again') return this.#look(cell);
    if (event.type === 'circuit-breaker-failures') {
      if (event.failures > 0 && event.node !== this.#options.node && cell.sayTally(this.#options.clock())) this.#pump();
      // While our own report is under way its answer is the better count.
      if (!this.#loop.busy) this.#standings.show(cell, hinted, { overrule: false });
      return;
    }
    cell.hint(hinted);
    this.#standings.show(cell, hinted, { overrule: hinted.kind === 'OPEN' });
  }

  /** Something may have been missed: read everything again, now or as soon as the last time is 100 ms ago. */
  doubt(): void {
    if (this.#doubtTimer !== undefined) {
      for (const cell of this.#cells.values()) cell.outbox.look();
      return;
    }
    this.#doubtTimer = setTimeout(() => {
      this.#doubtTimer = undefined;
      this.#pump();
    }, DOUBT_MS);
    this.#lookAll();
  }

  /**
   * An operator's word for the whole cluster; without Redis for this node, which says it to Redis when that is back:
   * then the word that was said last holds everywhere, whoever said it where. Waits for Redis as long as any exchange
   * with it does (`timeoutMs` of the store; one more when another was under way). A word that Redis has not confirmed
   * is lost with this process.
   * @param by who says so, for the notice
   * @returns undefined when the upstream has no breaker here
   */
  async force(upstream: string, what: ForceOptions, by: string): Promise<ForceOutcome | undefined> {
    const cell = this.#cells.get(upstream);
    if (cell === undefined) return undefined;
    const { authority, clock } = this.#options;
    const op = { op: 'force', ...what, saidMs: clock() } as const;
    const to = authority?.datesWords() === true ? 'cluster' : 'node';
    const taken = cell.outbox.force(op, { to, by, remember: authority !== undefined });
    this.#pump();
    const scope = await taken;
    return this.#cells.get(upstream) === cell ? { scope, view: viewOf(cell, clock()) } : undefined;
  }

  /** Probes of its targets have found the upstream well since it opened: requests may prove it before the time. */
  endOpening(upstream: string, epoch: number): void {
    const cell = this.#cells.get(upstream);
    if (cell === undefined || cell.kind !== 'OPEN' || cell.epoch !== epoch) return;
    cell.say({ op: 'probed', epoch });
    this.#pump();
  }

  view(): readonly BreakerView[] {
    const nowMs = this.#options.clock();
    return [...this.#cells.values()].map((cell) => viewOf(cell, nowMs));
  }

  /** `cluster` while Redis holds the truth. */
  scope(): 'cluster' | 'node' {
    return this.#loop.down ? 'node' : 'cluster';
  }

  /** Idempotent. Permits still held lapse by themselves. */
  close(): void {
    this.#loop.close();
    clearInterval(this.#tickTimer);
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#doubtTimer);
    for (const cell of this.#cells.values()) cell.close();
  }

  #byPlace(place: number): BreakerCell | undefined {
    for (const cell of this.#cells.values()) if (cell.place === place) return cell;
    return undefined;
  }

  #attend(): void {
    const waitedMs = this.#options.clock() - this.#lastFlushMs;
    if (Atomics.load(this.#header, ATTENTION) === 2 || waitedMs >= this.#batchMs) return this.#pump();
    this.#flushTimer ??= setTimeout(() => this.#pump(), this.#batchMs - waitedMs);
  }

  #pump(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#lastFlushMs = this.#options.clock();
    Atomics.store(this.#header, ATTENTION, 0); // before the rows are read: what comes later raises it again
    this.#loop.pump();
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % (REREAD_MS / RETRY_MS) === 0) {
      this.#permits.renew();
      for (const cell of this.#cells.values()) cell.renewMark();
      this.#lookAll();
    } else if (this.#loop.down && this.#options.authority?.reachable() === true) {
      this.#lookAll();
    }
  }

  #look(cell: BreakerCell): void {
    cell.outbox.look();
    this.#pump();
  }

  #lookAll(): void {
    for (const cell of this.#cells.values()) cell.outbox.look();
    this.#pump();
  }
}
