import { monotonicMs } from '../../shared/clock.ts';
import type { LogLevel } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { FromRequestThread, FromThreadItself, ToRequestThread } from '../../shared/threads/protocol.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';
import type { TrafficControl } from '../traffic/traffic-control.ts';
import type { KeyControl } from '../identity/keys/key-control.ts';
import type { SplitWeights } from '../upstreams/split-weights.ts';
import type { TargetDrains } from '../upstreams/target-drains.ts';
import type { ResolvedTargets } from '../upstreams/resolved-targets.ts';
import type { ConcurrencyControl } from '../upstreams/concurrency-control.ts';
import type { UpstreamControl } from '../upstreams/upstream-control.ts';
import type { Acceptor } from '../front/acceptor.ts';
import { ChangeWaiters } from './change-waiters.ts';
import type { JwksControl } from '../identity/jwks/jwks-control.ts';
import type { HealthControl } from '../health/health-control.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MaintenanceControl } from '../maintenance/maintenance-control.ts';
import { HeartbeatReader } from './heartbeat-reader.ts';
import { startThread, tell } from './thread-handle.ts';
import type { ActiveConfig, ThreadHandle } from './thread-handle.ts';
import { restartDelayMs, STEADY_MS } from './restart-delay.ts';
import { isLive, nextThread } from './thread-health.ts';
import type { ThreadAction, ThreadEvent } from './thread-health.ts';
import { reportTransition } from './thread-report.ts';
import { threadStatus } from './thread-status.ts';
import type { ThreadSet } from './thread-set.ts';
import type { ThreadStatus } from './thread-status.ts';

const CHECK_EVERY_MS = 250;
/** More than this between two checks means that the front itself stood still; the threads get no blame for the rest. */
const LONGEST_CHECK_MS = 500;
/** A thread that said `closed` and is still there after this is terminated: it has no socket, so that is safe. */
const EXIT_WITHIN_MS = 1_000;

/** Slots to give out: a full set of threads, a full set that is leaving or stuck, and room to replace one more. */
export const slotsFor = (workers: number): number => 2 * workers + 2;

export interface RequestThreadsOptions {
  readonly entry: URL;
  /** Empty; from now on this object's to fill. */
  readonly threads: ThreadSet;
  readonly workers: number;
  readonly active: () => ActiveConfig;
  readonly acceptor: Pick<Acceptor, 'kind' | 'ring' | 'forThread' | 'threadGone' | 'receive'>;
  readonly control: Pick<TrafficControl, 'forThread' | 'threadGone' | 'breakerPlaces' | 'limits' | 'breaker'>;
  /** With slotsFor(workers) slots. */
  readonly metrics: Pick<MetricMemory, 'buffer' | 'rows' | 'threadGone'>;
  readonly upstreams: Pick<UpstreamControl, 'receive' | 'threadGone'>;
  readonly keys: Pick<KeyControl, 'receive'>;
  readonly maintenance: Pick<MaintenanceControl, 'forThread' | 'receive'>;
  readonly health: Pick<HealthControl, 'forThread' | 'places'>;
  readonly targetSets: Pick<ResolvedTargets, 'current'>;
  /** With slotsFor(workers) slots. */
  readonly concurrency: Pick<ConcurrencyControl, 'forThread' | 'rows' | 'threadGone'>;
  readonly drains: Pick<TargetDrains, 'current'>;
  readonly splits: Pick<SplitWeights, 'current'>;
  readonly jwks: Pick<JwksControl, 'forThread' | 'receive'>;
  readonly log: Log;
  readonly events?: Pick<EventLog, 'add'>;
}

/** Keeps as many request threads alive as there should be, and the right ones of them in the ring. */
export class RequestThreads {
  readonly #options: RequestThreadsOptions;
  readonly #heartbeats: HeartbeatReader;
  readonly #slots: number;
  readonly #threads: ThreadSet;
  readonly #waiters = new ChangeWaiters();
  readonly #checks: NodeJS.Timeout;
  #checkedMs = monotonicMs();
  #refill: NodeJS.Timeout | undefined;
  #target: number;
  #failures = 0;
  #aborted = 0;
  #restarts = 0;
  #closing = false;
  #lameDuck = false;
  #drainMs: number | undefined;
  #onAllStuck = (): void => {};
  /** Resolves when so many threads are stuck that only a new process helps. */
  readonly allStuck = new Promise<void>((resolve) => {
    this.#onAllStuck = resolve;
  });

  constructor(options: RequestThreadsOptions) {
    this.#options = options;
    this.#threads = options.threads;
    this.#target = options.workers;
    this.#slots = slotsFor(options.workers);
    this.#heartbeats = new HeartbeatReader(this.#slots);
    this.#checks = setInterval(() => this.#check(), CHECK_EVERY_MS);
    this.#fill();
  }

  /** Failures in a row; what a start that cannot work looks like. */
  get failures(): number {
    return this.#failures;
  }

  /** Exchanges that threads cut off when they left. */
  get aborted(): number {
    return this.#aborted;
  }

  /** Threads that failed, ended on their own or got stuck, so that another took their place. */
  get restarts(): number {
    return this.#restarts;
  }

  all(): readonly ThreadHandle[] {
    return this.#threads.all();
  }

  openConnections(): number {
    return this.all().reduce((sum, { slot }) => sum + this.#heartbeats.read(slot, 'openConnections'), 0);
  }

  /** Open ones and handshakes. */
  webSockets(): number {
    return this.all().reduce((sum, { slot }) => sum + this.#heartbeats.read(slot, 'webSockets'), 0);
  }

  status(): readonly ThreadStatus[] {
    const nowMs = monotonicMs();
    return [...this.all()]
      .sort((a, b) => a.slot - b.slot)
      .map((thread) => threadStatus(thread, this.#heartbeats, nowMs));
  }

  /**
   * Waits for something about the threads; looked at after every change of one.
   * @returns whether it became true in time
   */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    return this.#waiters.until(condition, withinMs);
  }

  /** How many live threads to keep; `extra` above the configured number while threads are replaced one by one. */
  setExtra(extra: 0 | 1): void {
    this.#target = this.#options.workers + extra;
    this.#fill();
  }

  retire(thread: ThreadHandle): void {
    this.#dispatch(thread, { type: 'retire' });
  }

  /** Tells every thread that is or will be live about the configuration that is active now. */
  sendConfig(): void {
    const { concurrency, control, health, metrics, targetSets } = this.#options;
    this.tellAll({
      to: 'thread',
      type: 'config',
      ...this.#options.active(),
      breakerPlaces: control.breakerPlaces(),
      healthPlaces: health.places(),
      targetSets: targetSets.current(),
      concurrencyRows: concurrency.rows(),
      metricRows: metrics.rows(),
    });
  }

  /** @see ThreadSet.tellAll */
  tellAll(message: ToRequestThread): number {
    return this.#threads.tellAll(message);
  }

  /** Every thread, also one that is still to come, says that it is not ready; connections still come. */
  lameDuck(): void {
    this.#lameDuck = true;
    for (const thread of this.all()) tell(thread, { to: 'thread', type: 'lame-duck' });
  }

  /**
   * Takes every thread out of the ring and gives it this long to finish. From here on nothing is replaced.
   * @see until for waiting until all are gone
   */
  drain(deadlineMs: number): void {
    this.#closing = true;
    clearTimeout(this.#refill);
    this.#drainMs = deadlineMs;
    for (const thread of this.all()) this.retire(thread);
  }

  /** Cuts off what is left. */
  abort(): void {
    this.drain(0);
    for (const thread of this.all()) tell(thread, { to: 'thread', type: 'abort' });
  }

  /** Stops looking after the threads. */
  close(): void {
    clearInterval(this.#checks);
    clearTimeout(this.#refill);
  }

  #check(): void {
    const nowMs = monotonicMs();
    const elapsedMs = Math.min(nowMs - this.#checkedMs, LONGEST_CHECK_MS);
    this.#checkedMs = nowMs;
    for (const thread of this.all()) {
      const beat = this.#heartbeats.read(thread.slot, 'beatMs');
      const beaten = beat !== thread.lastBeat;
      if (beaten) {
        thread.lastBeat = beat;
        thread.lastBeatMs = nowMs;
      }
      this.#dispatch(thread, { type: 'check', elapsedMs, beaten });
    }
  }

  #dispatch(thread: ThreadHandle, event: ThreadEvent): void {
    const before = thread.state;
    const { state, actions } = nextThread(thread.state, event);
    if (isLive(thread.state) && !isLive(state) && event.type !== 'retire' && !this.#closing) this.#restarts++;
    thread.state = state;
    for (const action of actions) this.#act(thread, action);
    if (state.kind === before.kind) return;
    reportTransition(this.#options, { slot: thread.slot, before, after: state.kind, cause: event.type });
    if (
      state.kind === 'parked' &&
      this.#mustNotDie &&
      this.#count('parked') >= this.#options.workers &&
      !this.#closing
    ) {
      this.#onAllStuck();
    }
    if (state.kind === 'serving') this.#endParked();
    this.#fill();
    this.#waiters.notify();
  }

  /** A thread of uWS that ends with a socket open takes the whole process along. */
  get #mustNotDie(): boolean {
    return this.#options.acceptor.kind === 'uws';
  }

  /** Where a thread may die, a stuck one does, once another has taken over what waited for it. */
  #endParked(): void {
    if (this.#mustNotDie) return;
    for (const { state, worker } of this.all()) if (state.kind === 'parked') void worker.terminate();
  }

  #act(thread: ThreadHandle, action: ThreadAction): void {
    switch (action) {
      case 'join':
        if (!this.#closing) this.#options.acceptor.ring.add(thread);
        return;
      case 'part':
        this.#options.acceptor.ring.remove(thread);
        return;
      case 'drain': {
        const deadlineMs = this.#drainMs ?? this.#options.active().config.server.drainTimeoutMs;
        tell(thread, { to: 'thread', type: 'drain', deadlineMs });
        return;
      }
      default:
        action satisfies never;
    }
  }

  #count(kind: ThreadHandle['state']['kind']): number {
    return this.all().filter(({ state }) => state.kind === kind).length;
  }

  #fill(): void {
    if (this.#closing || this.#refill !== undefined) return;
    if (this.all().filter(({ state }) => isLive(state)).length >= this.#target) return;
    const delayMs = restartDelayMs(this.#failures);
    if (delayMs === 0) this.#startMissing();
    else {
      this.#refill = setTimeout(() => {
        this.#refill = undefined;
        this.#startMissing();
      }, delayMs);
    }
  }

  #startMissing(): void {
    const taken = new Set(this.all().map(({ slot }) => slot));
    let missing = this.#target - this.all().filter(({ state }) => isLive(state)).length;
    for (let slot = 0; slot < this.#slots && missing > 0; slot++) {
      if (taken.has(slot)) continue;
      this.#start(slot);
      missing--;
    }
    // With no slot left, the exit of a thread that is leaving comes back here.
  }

  #start(slot: number): void {
    this.#heartbeats.clear(slot);
    const { entry, active, log, control, health, jwks, maintenance, metrics, acceptor, targetSets, upstreams } =
      this.#options;
    const { concurrency, drains, splits } = this.#options;
    const place = {
      entry,
      slot,
      active: active(),
      heartbeats: this.#heartbeats.buffer,
      nowMs: monotonicMs(),
      controls: {
        ...control.forThread(),
        front: acceptor.forThread(slot),
        health: health.forThread(),
        targetSets: targetSets.current(),
        concurrency: concurrency.forThread(),
        targetDrains: drains.current(),
        splitWeights: splits.current(),
        issuerKeys: jwks.forThread(),
        maintenance: maintenance.forThread(),
        metrics: metrics.buffer,
        metricRows: metrics.rows(),
        logLevel: log.level as LogLevel,
      },
    };
    const thread = startThread(place, {
      message: (from, message) => this.#onMessage(from, message),
      error: (from, error) => {
        log.error({ thread: slot, err: error }, 'an error escaped from a request thread');
        this.#onFailure(from);
        this.#dispatch(from, { type: 'failed' });
      },
      exit: (from, code) => {
        if (isLive(from.state)) {
          log.error({ thread: slot, code }, 'a request thread ended on its own');
          this.#onFailure(from);
        }
        this.#threads.delete(from);
        acceptor.ring.remove(from);
        acceptor.threadGone(slot);
        control.threadGone(slot);
        metrics.threadGone(slot);
        upstreams.threadGone(slot);
        concurrency.threadGone(slot);
        this.#dispatch(from, { type: 'exit' });
      },
    });
    this.#threads.add(thread);
  }

  #onMessage(thread: ThreadHandle, message: FromRequestThread): void {
    const { acceptor, control, jwks, keys, maintenance, upstreams } = this.#options;
    switch (message.to) {
      case 'threads':
        this.#receive(thread, message);
        return;
      case 'acceptor':
        acceptor.receive(thread.slot, message);
        return;
      case 'limits':
        // `limits-done` of another would be taken for that of a live one, which tellAll counted.
        if (message.type !== 'limits-done' || isLive(thread.state)) control.limits.receive(thread.slot, message);
        return;
      case 'breaker':
        control.breaker.receive(thread.slot, message);
        return;
      case 'upstreams':
        upstreams.receive(thread.slot, message);
        return;
      case 'identity':
        jwks.receive(thread.slot, message);
        return;
      case 'keys':
        keys.receive(thread.slot, message);
        return;
      case 'maintenance':
        // That of another would be taken for that of a live one, which tellAll counted.
        if (isLive(thread.state)) maintenance.receive(message);
        return;
      default:
        message satisfies never;
    }
  }

  #receive(thread: ThreadHandle, message: FromThreadItself): void {
    switch (message.type) {
      case 'listening':
        thread.descriptor = message.descriptor;
        if (this.#lameDuck) tell(thread, { to: 'thread', type: 'lame-duck' });
        this.#dispatch(thread, { type: 'listening' });
        return;
      case 'config-applied':
        thread.configVersion = message.version;
        this.#waiters.notify();
        return;
      case 'failed':
        this.#options.log.error({ thread: thread.slot, reason: message.reason }, 'a request thread failed');
        this.#onFailure(thread);
        this.#dispatch(thread, { type: 'failed' });
        return;
      case 'closed':
        this.#aborted += message.aborted;
        setTimeout(() => this.#end(thread), EXIT_WITHIN_MS).unref();
        return;
      default:
        message satisfies never;
    }
  }

  /** For a thread that something keeps alive after it closed. */
  #end(thread: ThreadHandle): void {
    if (!this.#threads.has(thread)) return;
    const open = this.#heartbeats.read(thread.slot, 'openConnections');
    if (this.#mustNotDie && open !== 0) return;
    void thread.worker.terminate();
  }

  #onFailure(thread: ThreadHandle): void {
    if (thread.failed) return;
    thread.failed = true;
    this.#failures = monotonicMs() - thread.startedMs >= STEADY_MS ? 1 : this.#failures + 1;
  }
}
