import type { ConnectionOptions } from 'node:tls';
import type { BalanceConfig, TargetConfig, UpstreamConfig } from '../../../shared/config/types.ts';
import { targetKey } from '../../../shared/health/memory.ts';
import { UPSTREAM, UPSTREAM_GAUGES } from '../../../shared/metrics/layout.ts';
import type { Handles } from '../../../shared/net/handles.ts';
import { distanceOf, hashOf } from '../../../shared/targets/rendezvous.ts';
import { targetName } from '../../../shared/upstreams/target-name.ts';
import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { UpstreamRoom } from '../overload/upstream-room.ts';
import { quickerOf } from './answer-time.ts';
import { keyOf } from './balance-key.ts';
import type { KeyOf } from './balance-key.ts';
import type { FairClients } from './fair-line.ts';
import { otherTarget } from './other-target.ts';
import { RetryBudget } from './retry-budget.ts';
import type { Streams } from './streams.ts';
import { Target } from './target.ts';
import type { Asking } from './target-ejection.ts';
import type { TargetOwner } from './target.ts';
import type { ThreadNames } from './thread-names.ts';
import { weigh } from './target-weights.ts';
import type { Shares } from './target-weights.ts';
import { tlsOptionsOf } from './tls-options.ts';
import type { HealthWatch, UpstreamHealth } from './upstream-health.ts';

/** A target that keys are kept on may have this much of its share under way before others help out. */
const MOST_OF_SHARE = 1.25;
/** So few under way on this thread are never too many: one device asks several things at once. */
const NEVER_TOO_MANY = 8;

export interface UpstreamOptions {
  readonly config: UpstreamConfig;
  readonly deadlines: Deadlines;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly metrics: ThreadMetrics;
  /** Node's own handles, as far as connections may use them. */
  readonly handles: Handles | undefined;
  readonly names: ThreadNames;
  /** To the front. */
  readonly post: (message: FromUpstreamThread) => void;
  /** By whom connections are shared. */
  readonly clients: FairClients;
  readonly streams: Streams;
}

/** A named service behind the gateway: one or more targets, and this thread's connections to them. */
export class Upstream implements TargetOwner {
  readonly config: UpstreamConfig;
  readonly deadlines: Deadlines;
  /** Those that get requests. */
  targets: readonly Target[];
  /** Those that get none any more, and still have some under way. */
  #leaving: readonly Target[] = [];
  readonly metrics: ThreadMetrics;
  readonly handles: Handles | undefined;
  readonly names: ThreadNames;
  readonly post: (message: FromUpstreamThread) => void;
  readonly clients: FairClients;
  readonly streams: Streams;
  /** Where the metrics' row of this upstream starts. */
  readonly metricsStart: number;
  /** No longer in the configuration: connections go as soon as they are free. */
  closing = false;
  /** Exchanges that wait for a connection of any target while none is being opened for them. */
  queued = 0;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** What probes say of its targets; `undefined` = they are not probed. */
  health: UpstreamHealth | undefined = undefined;
  /** How many requests may be under way there; `undefined` = as many as come. */
  room: UpstreamRoom | undefined = undefined;
  readonly retryBudget: RetryBudget;
  /** Times that there was a target to be picked from several. */
  picks = 0;
  #weighing: Parameters<typeof weigh>[2] = { watch: undefined, slowStartMs: 0 };
  #shares: Shares;
  /** `undefined` = nothing keeps requests on one target. */
  #keyOf: KeyOf | undefined = undefined;
  readonly tlsOptions: (address: string) => ConnectionOptions;

  constructor({ config, deadlines, random, metrics, handles, clients, names, post, streams }: UpstreamOptions) {
    this.config = config;
    this.deadlines = deadlines;
    this.metrics = metrics;
    this.handles = handles;
    this.names = names;
    this.post = post;
    this.clients = clients;
    this.streams = streams;
    this.metricsStart = metrics.startOf('upstream', config.name);
    this.random = random;
    this.retryBudget = new RetryBudget(deadlines.nowMs);
    this.tlsOptions = tlsOptionsOf(config.tls);
    this.targets = config.targets.map((target) => new Target(this, target));
    this.#shares = weigh(this.targets, deadlines.nowMs, this.#weighing);
  }

  /**
   * The less loaded of two targets drawn at random (Mitzenmacher, "The Power of Two Choices", 2001), leaving out those
   * that lately refused connections while there are others, those that probes have taken out, and those that are ejected.
   * One that is slow beside the other is tried once in a while only: that cannot be seen by how many wait there, where
   * most of the time nobody waits anywhere.
   */
  pick(asking: Asking): Target {
    const { targets } = this;
    if (targets.length === 1) return targets[0] as Target;
    this.picks++;
    const key = this.#keyOf === undefined ? '' : this.#keyOf(asking.request);
    return (key === '' ? this.#draw(asking) : this.#byKey(hashOf(key), asking)) ?? this.#drawOfAll();
  }

  /** For a request that has failed: a target that it has not tried. @returns undefined: there is none */
  pickOther(asking: Asking, tried: readonly Target[]): Target | undefined {
    const { targets, health, random } = this;
    const text = this.#keyOf === undefined ? '' : this.#keyOf(asking.request);
    const key = text === '' ? undefined : hashOf(text);
    const nowMs = this.deadlines.nowMs;
    return otherTarget({ targets, health, total: this.#shares.total, key, nowMs, random }, tried);
  }

  #byKey(key: number, asking: Asking): Target | undefined {
    return this.#nearest(key, asking, true) ?? this.#nearest(key, asking, false);
  }

  /**
   * The target that the key is nearest to, or the next nearest while that one is left out, refuses connections, or has a
   * quarter more under way than its share on this thread.
   * @param leavesOut those that probes and ejections have taken out
   * @returns undefined: too few are left
   */
  #nearest(key: number, asking: Asking, leavesOut: boolean): Target | undefined {
    const { targets, health } = this;
    const { nowMs } = this.deadlines;
    const hasDown = leavesOut && health !== undefined && health.hasDown;
    let pending = 1;
    for (const target of targets) pending += target.pending;
    const most = (MOST_OF_SHARE * pending) / this.#shares.total;
    let left = 0;
    let nearest: Target | undefined;
    let nearestAt = Number.POSITIVE_INFINITY;
    /** Whatever it has under way. */
    let any: Target | undefined;
    let anyAt = Number.POSITIVE_INFINITY;
    let ejected: Target | undefined;
    let ejectedAt = Number.POSITIVE_INFINITY;
    for (const target of targets) {
      const { ejection, weight, fullWeight } = target;
      if (weight === 0 || (hasDown && target.healthRow !== 0 && health.isOut(target.healthRow, nowMs))) continue;
      const at = distanceOf(key, target.hash, weight);
      if (leavesOut && ejection !== undefined && ejection.leavesOut) {
        if (at < ejectedAt) {
          ejected = target;
          ejectedAt = at;
        }
        continue;
      }
      left += fullWeight;
      if (at < anyAt) {
        any = target;
        anyAt = at;
      }
      const busy = target.pending >= NEVER_TOO_MANY && target.pending + 1 > Math.ceil(most * fullWeight);
      if (at < nearestAt && !busy && target.skipUntilMs <= nowMs) {
        nearest = target;
        nearestAt = at;
      }
    }
    if (ejected?.ejection !== undefined && ejectedAt < anyAt && ejected.ejection.takeTrial(asking, nowMs))
      return ejected;
    return left * 2 < this.#shares.total ? undefined : (nearest ?? any);
  }

  /** @returns undefined: too few are left, or none of them can be connected to at the moment */
  #draw(asking: Asking): Target | undefined {
    const { targets, health } = this;
    const { total, uneven } = this.#shares;
    const nowMs = this.deadlines.nowMs;
    const hasDown = health !== undefined && health.hasDown;
    let a: Target | undefined;
    let b: Target | undefined;
    let keyA = Number.POSITIVE_INFINITY;
    let keyB = Number.POSITIVE_INFINITY;
    let seen = 0;
    let left = 0;
    // One pass draws two of those available without an array: reservoir sampling.
    for (const target of targets) {
      if (hasDown && target.healthRow !== 0 && health.isOut(target.healthRow, nowMs)) continue;
      const { ejection } = target;
      if (ejection !== undefined && ejection.leavesOut) {
        if (target.weight > 0 && ejection.takeTrial(asking, nowMs)) return target;
        continue;
      }
      left += target.fullWeight;
      if (target.skipUntilMs > nowMs) continue;
      if (uneven) {
        // By weight: the two smallest of -ln(random) / weight (Efraimidis and Spirakis, 2006).
        const key = target.weight > 0 ? -Math.log(this.random()) / target.weight : Number.POSITIVE_INFINITY;
        if (key < keyA) {
          b = a;
          keyB = keyA;
          a = target;
          keyA = key;
        } else if (key < keyB) {
          b = target;
          keyB = key;
        }
        continue;
      }
      seen++;
      if (a === undefined) {
        a = target;
      } else if (b === undefined) {
        b = target;
      } else {
        const at = Math.floor(this.random() * seen);
        if (at === 0) a = target;
        else if (at === 1) b = target;
      }
    }
    // Where less than half is left, all are used: then probes and failures are more likely wrong about them than so many
    // targets are broken, and what is left could not carry the load.
    if (left * 2 < total) return undefined;
    if (a === undefined || b === undefined) return a;
    const quicker = quickerOf(a, b, this);
    if (quicker !== undefined) return quicker;
    // The draw has given each its share; the other is taken only where it stays the less loaded one.
    if (uneven) return a.pending / a.weight > (b.pending + 1) / b.weight ? b : a;
    if (a.pending === b.pending) return this.random() < 0.5 ? a : b;
    return a.pending < b.pending ? a : b;
  }

  /** Too few are left by probes and ejections, or each of them has lately refused a connection. */
  #drawOfAll(): Target {
    const { targets, health } = this;
    const nowMs = this.deadlines.nowMs;
    let all: Target | undefined;
    let chosen: Target | undefined;
    let kept: Target | undefined;
    let sum = 0;
    let seen = 0;
    let left = 0;
    for (const target of targets) {
      const { weight } = target;
      const isDown = health !== undefined && target.healthRow !== 0 && health.isOut(target.healthRow, nowMs);
      const isLeft = !isDown && target.ejection?.leavesOut !== true;
      if (isLeft && this.random() * (left += weight) < weight) kept = target;
      if (target.skipUntilMs <= nowMs && this.random() * (seen += weight) < weight) chosen = target;
      if (this.random() * (sum += weight) < weight) all = target;
    }
    if (left * 2 >= this.#shares.total && kept !== undefined) return kept;
    return chosen ?? all ?? (targets[Math.floor(this.random() * targets.length)] as Target);
  }

  /** Other targets: those that stay keep their connections and what is known of them. */
  retarget(configs: readonly TargetConfig[]): void {
    const known = new Map(this.targets.map((target) => [target.name, target]));
    this.targets = configs.map((config) => {
      const target = known.get(targetName(config)) ?? new Target(this, config);
      known.delete(target.name);
      target.configuredWeight = config.weight ?? 1;
      return target;
    });
    for (const target of known.values()) target.retire();
    this.#leaving = [...this.#leaving, ...known.values()];
  }

  /** What keeps requests on one target from now on. */
  balanceBy(config: BalanceConfig | undefined): void {
    this.#keyOf = config && keyOf(config);
  }

  /**
   * How much each gets beside the others; to be called once the targets have their rows.
   * @param drained by `targetKey`
   */
  reweigh(slowStartMs: number, watch: HealthWatch, drained: ReadonlySet<string>): void {
    for (const target of this.targets) {
      target.fullWeight = drained.has(targetKey(this.config.name, target.name)) ? 0 : target.configuredWeight;
    }
    this.#weighing = { watch, slowStartMs };
    this.#shares = weigh(this.targets, this.deadlines.nowMs, this.#weighing);
  }

  mayQueue(): boolean {
    return this.queued + (this.room?.waiting ?? 0) < this.config.queue;
  }

  /**
   * So many wait that a request whose client's connection has another under way had better wait for that one: more in the
   * line would make nothing faster, and take the places of others.
   */
  get isCrowded(): boolean {
    const { connections, queue, pipelining } = this.config;
    const most = Math.min(connections, queue >> 2);
    if (this.queued > 0 && this.queued >= most) return true;
    if (most > 0 && pipelining === 1) return false;
    for (const target of this.targets) if (target.hasPlace) return false;
    return true;
  }

  /** Closes connections that have rested too long, and says how many there are. */
  tick(nowMs: number): void {
    this.retryBudget.tick(nowMs);
    if (this.#weighing.slowStartMs > 0) this.#shares = weigh(this.targets, nowMs, this.#weighing);
    let open = 0;
    let idle = 0;
    if (this.#leaving.length > 0) this.#leaving = this.#leaving.filter(({ isOver }) => !isOver);
    for (const target of this.#leaving) {
      target.tick(nowMs);
      open += target.open;
    }
    for (const target of this.targets) {
      target.tick(nowMs);
      open += target.open;
      idle += target.idle;
    }
    this.metrics.set(this.metricsStart + UPSTREAM.connectionsOpen, open);
    this.metrics.set(this.metricsStart + UPSTREAM.connectionsIdle, idle);
    this.metrics.set(this.metricsStart + UPSTREAM.queued, this.queued + (this.room?.waiting ?? 0));
  }

  /** Idle connections now, busy ones when their exchange is over. */
  retire(): void {
    this.closing = true;
    for (const target of this.targets) target.retire();
    for (const column of UPSTREAM_GAUGES) this.metrics.set(this.metricsStart + column, 0); // nobody reports it any more
  }

  /** Everything at once; exchanges under way hear nothing more. */
  destroy(): void {
    this.closing = true;
    for (const target of [...this.targets, ...this.#leaving]) target.destroyAll();
  }
}
