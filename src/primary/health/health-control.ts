import { randomBytes } from 'node:crypto';
import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { monotonicMs, random } from '../../shared/clock.ts';
import type { Config, UpstreamConfig } from '../../shared/config/types.ts';
import type { ProbeCause } from '../../shared/health/messages.ts';
import { PROBE_CAUSES } from '../../shared/health/messages.ts';
import { targetKey } from '../../shared/health/memory.ts';
import type { HealthPlaces, HealthThreadStart } from '../../shared/health/memory.ts';
import type { Log } from '../../shared/log.ts';
import type { TargetSets } from '../../shared/upstreams/messages.ts';
import { targetName } from '../../shared/upstreams/target-name.ts';
import type { HealthEvent } from '../../shared/redis/events.ts';
import type { BreakerView } from '../breaker/view.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Job } from '../jobs/job.ts';
import { AskedRedis } from '../limits/asked-redis.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import type { NameCache } from '../names/name-cache.ts';
import type { TargetDrains } from '../upstreams/target-drains.ts';
import type { DegradedReasons } from '../traffic/degraded-reasons.ts';
import { HealthBook } from './health-book.ts';
import type { ProbedTarget } from './health-book.ts';
import { HealthHash } from './health-hash.ts';
import type { HealthSnapshot } from './health-hash.ts';
import { HealthReport } from './health-report.ts';
import { healthJob } from './health-job.ts';
import { OpeningWatch } from './opening-watch.ts';
import { Prober } from './prober.ts';
import { SharedVerdicts } from './shared-verdicts.ts';
import { slotMsOf } from './slots.ts';
import { Sweeps } from './sweeps.ts';
import { isUp, upstreamView } from './upstream-view.ts';
import type { TargetView, UpstreamHealthView } from './upstream-view.ts';

/** A Redis that does not answer for so long is away, and the node probes for itself. */
const AWAY_MS = 2_000;
/** What was read so lately is as good as new; the next look makes up for what it lacks. */
const DOUBT_MS = 1_000;
/** Nodes that start together do not all probe at once. */
const FIRST_LOOK_MS = 500;

export interface HealthControlOptions {
  readonly config: Config;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  readonly names: Pick<NameCache, 'ask'>;
  /** Targets of upstreams whose names are looked up again and again. */
  readonly targetSets: () => TargetSets;
  /** What an operator says of a target. */
  readonly drains: Pick<TargetDrains, 'of'>;
  /** This process has clients. One that has none probes nobody: its route to a target says nothing of theirs. */
  readonly serves: boolean;
  readonly degraded: Pick<DegradedReasons, 'set'>;
  readonly breakers: () => readonly BreakerView[];
  /** Probes have found the upstream well again: its opening of this epoch need not last any longer. */
  readonly endOpening: (upstream: string, epoch: number) => void;
}

/** The front's part of health probes: who is probed when and by whom, what came of it, and who is told. */
export class HealthControl {
  /** Probes this node has made, by what they found. */
  readonly counts = new Map<ProbeCause, number>(PROBE_CAUSES.map((cause) => [cause, 0]));
  readonly #verdicts = new SharedVerdicts(createProcessClock());
  readonly #book: HealthBook;
  readonly #report: HealthReport;
  readonly #openings: OpeningWatch;
  readonly #prober: Prober;
  readonly #sweeps: Sweeps;
  readonly #hash: HealthHash | undefined;
  /** Unique among processes, whatever their nodes are called. */
  readonly #self: string;
  readonly #serves: boolean;
  readonly #targetSets: () => TargetSets;
  readonly #drains: Pick<TargetDrains, 'of'>;
  #configured: readonly UpstreamConfig[] = [];
  /** The same with the targets that they have now. */
  #upstreams: readonly UpstreamConfig[] = [];
  #slotMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<HealthSnapshot | undefined> | undefined;
  #readAgain = false;
  #readMs = Number.NEGATIVE_INFINITY;
  /** Since when Redis does not answer; `undefined`: it does, or has not been asked. */
  #silentSinceMs: number | undefined;
  #closed = false;

  constructor(options: HealthControlOptions) {
    const { config, log, events, redis, names, serves, degraded, breakers, endOpening } = options;
    this.#self = `${config.node.name}.${randomBytes(4).toString('hex')}`;
    this.#report = new HealthReport({ log, events, onReasons: (reasons) => degraded.set('health', reasons) });
    this.#book = new HealthBook((target, before) => this.#report.moved(target, before));
    this.#openings = new OpeningWatch({ breakers, end: endOpening });
    this.#prober = new Prober({ names, log });
    this.#hash = redis === undefined ? undefined : new HealthHash(new AskedRedis(redis));
    this.#sweeps = new Sweeps({
      book: this.#book,
      prober: this.#prober,
      hash: this.#hash,
      node: config.node.name,
      self: this.#self,
      count: (cause) => void this.counts.set(cause, (this.counts.get(cause) ?? 0) + 1),
      onRound: (targets) => this.#onRound(targets),
    });
    this.#serves = serves;
    this.#targetSets = options.targetSets;
    this.#drains = options.drains;
    this.configure(config);
  }

  /** For a new thread. */
  forThread(): HealthThreadStart {
    return this.#verdicts.forThread();
  }

  /** Row of each upstream and target that is probed or may be ejected. */
  places(): HealthPlaces {
    return this.#verdicts.places();
  }

  /** A new configuration, before the threads get it. */
  configure(config: Config): void {
    this.#configured = this.#serves ? config.upstreams : [];
    this.#spread();
    const probed = this.#upstreams.filter(({ health }) => health !== undefined);
    this.#openings.forget(new Set(probed.map(({ name }) => name)));
    const slotMs = probed.length === 0 ? 0 : slotMsOf(probed.map(({ health }) => health?.intervalMs ?? 0));
    if (slotMs === this.#slotMs) return;
    this.#slotMs = slotMs;
    clearTimeout(this.#timer);
    if (slotMs > 0) this.#lookIn(random() * FIRST_LOOK_MS);
  }

  /** The names of an upstream have other addresses. */
  retarget(): void {
    this.#spread();
  }

  #spread(): void {
    const sets = this.#targetSets();
    this.#upstreams = this.#configured.map((each) => ({ ...each, targets: sets.get(each.name) ?? each.targets }));
    this.#book.configure({ upstreams: this.#upstreams }, monotonicMs());
    const watched = this.#watched;
    this.#verdicts.assign([
      ...watched.map(({ name }) => name),
      ...watched.flatMap((each) => keysOf(each).map(({ key }) => key)),
    ]);
    this.#show();
  }

  /** The sweep that is made once for the whole cluster; none while no upstream is probed. */
  jobs(): readonly Job[] {
    if (this.#slotMs === 0) return [];
    const slotMs = (): number => this.#slotMs;
    const canShare = (): boolean => this.#silentSinceMs === undefined;
    return [healthJob({ slotMs, canShare, sweep: (run) => this.#sweeps.forCluster(run, this.#slotMs) })];
  }

  /** Another node, or this one, has said so on the channel of events. */
  onEvent({ from }: HealthEvent): void {
    if (from !== this.#self && this.#slotMs > 0) void this.#read();
  }

  /** An event may have been missed. */
  onDoubt(): void {
    if (this.#slotMs > 0 && monotonicMs() - this.#readMs >= DOUBT_MS) void this.#read();
  }

  /** Every upstream of the configuration whose targets are probed or may be ejected. */
  upstreams(): readonly UpstreamHealthView[] {
    return this.#watched.map((each) => upstreamView(each.name, this.#viewsOf(each)));
  }

  /** Every target that is probed or may be ejected. */
  targets(): readonly { readonly upstream: string; readonly target: string; readonly up: boolean }[] {
    return this.#watched
      .flatMap((each) => this.#viewsOf(each))
      .map((view) => ({ upstream: view.upstream, target: view.target, up: isUp(view) }));
  }

  /** Every target of the configuration in use. */
  views(): readonly TargetView[] {
    return this.#upstreams.flatMap((each) => this.#viewsOf(each));
  }

  /** Some upstream is probed. */
  get probes(): boolean {
    return this.#slotMs > 0;
  }

  /** A target was ejected or drained, or is back. */
  onTargets(): void {
    this.#report.look(this.upstreams());
  }

  get #watched(): readonly UpstreamConfig[] {
    return this.#upstreams.filter(
      ({ health, ejection, slowStartMs }) => health !== undefined || ejection !== undefined || slowStartMs > 0,
    );
  }

  #viewsOf(upstream: UpstreamConfig): readonly TargetView[] {
    const ejects = upstream.ejection?.mode === 'on';
    return keysOf(upstream).map(({ key, target, weight }) => ({
      key,
      weight,
      drain: this.#drains.of(key),
      upstream: upstream.name,
      target,
      probed: this.#book.get(key),
      ejection: ejects ? this.#verdicts.ejection(key) : undefined,
      succeededAgoMs: this.#verdicts.succeededAgoMs(key),
    }));
  }

  /** What is wrong, as a person reads it. */
  get reasons(): readonly string[] {
    return this.#report.reasons;
  }

  /** How long ago the target was probed that it is longest ago for; undefined: none was, or none is to be. */
  get ageMs(): number | undefined {
    const ages = [...this.#book.all].map(({ checkedMs }) => monotonicMs() - checkedMs).filter(Number.isFinite);
    return ages.length === 0 ? undefined : Math.max(...ages);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#prober.close();
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  /** Once a slot: reads what nobody has told of, and probes what nobody has probed. */
  async #look(): Promise<void> {
    const slotMs = this.#slotMs;
    // An event of this slot has brought it already.
    if (this.#hash !== undefined && monotonicMs() - this.#readMs >= slotMs * 0.9) await this.#read();
    if (!this.#closed) {
      await this.#sweeps.forSelf({ isDue: (target) => this.#isAlone(target), slotMs });
      this.#show();
    }
    // A reload may have come meanwhile, and have set the next look itself.
    if (!this.#closed && this.#slotMs === slotMs) {
      clearTimeout(this.#timer);
      this.#lookIn(slotMs);
    }
  }

  #isAlone(target: ProbedTarget): boolean {
    const nowMs = monotonicMs();
    const away = this.#silentSinceMs !== undefined && nowMs - this.#silentSinceMs >= AWAY_MS;
    return this.#hash === undefined || away || this.#book.isForgotten(target, nowMs);
  }

  /** One at a time; who asks while one is under way gets another one after it. */
  async #read(): Promise<void> {
    if (this.#hash === undefined || this.#closed) return;
    if (this.#reading !== undefined) {
      this.#readAgain = true;
      await this.#reading;
      return;
    }
    do {
      this.#readAgain = false;
      this.#reading = this.#hash.read();
      const snapshot = await this.#reading;
      this.#reading = undefined;
      const nowMs = monotonicMs();
      if (snapshot === undefined) this.#silentSinceMs ??= nowMs;
      else {
        this.#silentSinceMs = undefined;
        this.#readMs = nowMs;
        this.#onRound(this.#book.takeShared(snapshot, nowMs));
      }
    } while (this.#readAgain && !this.#closed);
  }

  /** These have been probed, by whomever. */
  #onRound(targets: readonly ProbedTarget[]): void {
    this.#show();
    for (const { name, health, breaker } of this.#upstreams) {
      if (health === undefined || breaker.probe !== 'health') continue;
      if (targets.some(({ upstream }) => upstream === name)) this.#openings.onRound(name, this.#book.of(name));
    }
  }

  /** Shows the threads what holds, and says what is new of it. */
  #show(): void {
    for (const { name, health } of this.#upstreams) {
      if (health === undefined) continue;
      const targets = this.#book.of(name);
      for (const { key, verdict } of targets) this.#verdicts.set(key, verdict?.verdict ?? 'up', health.intervalMs);
      // Behind its targets: a thread that sees it sees those as well.
      this.#verdicts.setDown(name, targets.filter(({ verdict }) => (verdict?.verdict ?? 'up') !== 'up').length);
    }
    this.#report.look(this.upstreams());
  }
}

const keysOf = ({ name, targets }: UpstreamConfig): readonly Pick<TargetView, 'key' | 'target' | 'weight'>[] =>
  targets.map((each) => {
    const target = targetName(each);
    return { key: targetKey(name, target), target, weight: each.weight ?? 1 };
  });
