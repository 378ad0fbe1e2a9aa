import type { ConnectionOptions } from 'node:tls';
import type { UpstreamConfig } from '../../../shared/config/types.ts';
import { UPSTREAM, UPSTREAM_GAUGES } from '../../../shared/metrics/layout.ts';
import type { Handles } from '../../../shared/net/handles.ts';
import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { FairClients } from './fair-line.ts';
import type { Streams } from './streams.ts';
import { Target } from './target.ts';
import type { TargetOwner } from './target.ts';
import type { ThreadNames } from './thread-names.ts';
import { tlsOptionsOf } from './tls-options.ts';
import type { UpstreamHealth } from './upstream-health.ts';

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
  readonly targets: readonly Target[];
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
    this.tlsOptions = tlsOptionsOf(config.tls);
    this.targets = config.targets.map((target) => new Target(this, target));
  }

  /**
   * The less loaded of two targets drawn at random (Mitzenmacher, "The Power of Two Choices", 2001), leaving out those
   * that lately refused connections while there are others, and those that probes have taken out.
   */
  pick(): Target {
    const { targets } = this;
    const first = targets[0] as Target;
    if (targets.length === 1) return first;
    const nowMs = this.deadlines.nowMs;
    const leavesOut = this.health !== undefined && this.health.leavesOut(targets, nowMs);
    let a: Target | undefined;
    let b: Target | undefined;
    let seen = 0;
    // One pass draws two of those available without an array: reservoir sampling.
    for (const target of targets) {
      if (target.skipUntilMs > nowMs || (leavesOut && target.out)) continue;
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
    if (a === undefined)
      return leavesOut ? this.#anyLeft() : (targets[Math.floor(this.random() * targets.length)] ?? first);
    if (b === undefined) return a;
    if (a.pending === b.pending) return this.random() < 0.5 ? a : b;
    return a.pending < b.pending ? a : b;
  }

  /** Of those that probes leave in: each has lately refused a connection. */
  #anyLeft(): Target {
    const left = this.targets.filter(({ out }) => !out);
    return (left[Math.floor(this.random() * left.length)] ?? this.targets[0]) as Target;
  }

  mayQueue(): boolean {
    return this.queued < this.config.queue;
  }

  /** Closes connections that have rested too long, and says how many there are. */
  tick(nowMs: number): void {
    let open = 0;
    let idle = 0;
    for (const target of this.targets) {
      target.tick(nowMs);
      open += target.open;
      idle += target.idle;
    }
    this.metrics.set(this.metricsStart + UPSTREAM.connectionsOpen, open);
    this.metrics.set(this.metricsStart + UPSTREAM.connectionsIdle, idle);
    this.metrics.set(this.metricsStart + UPSTREAM.queued, this.queued);
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
    for (const target of this.targets) target.destroyAll();
  }
}
