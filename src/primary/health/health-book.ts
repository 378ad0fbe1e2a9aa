import type { Config, HealthConfig, UpstreamConfig } from '../../shared/config/types.ts';
import type { ProbeOrder } from '../../shared/health/messages.ts';
import { targetKey } from '../../shared/health/memory.ts';
import { targetName } from '../../shared/upstreams/target-name.ts';
import type { HealthSnapshot } from './health-hash.ts';
import type { TargetVerdict } from './verdict.ts';

/** A verdict of the cluster holds for so many intervals; then each node probes for itself. */
const STALE_INTERVALS = 3;

/** One target that is probed, and what is known of it. Times are those of the monotonic clock, but for the verdict's. */
export interface ProbedTarget {
  readonly key: string;
  readonly upstream: string;
  /** Its origin with its base path. */
  readonly target: string;
  order: ProbeOrder;
  health: HealthConfig;
  /** `undefined`: nobody has probed it, as far as this node knows. */
  verdict: TargetVerdict | undefined;
  /** Whose verdict it is. */
  source: 'cluster' | 'node';
  /** Node that probed. */
  by: string;
  /** When it was probed. */
  checkedMs: number;
  /** When the cluster has last probed it; before that, since when it is waited for. */
  sharedMs: number;
}

export interface NewVerdict {
  readonly verdict: TargetVerdict | undefined;
  readonly source: 'cluster' | 'node';
  readonly by: string;
  readonly checkedMs: number;
}

/** Told after a verdict has changed from or to up, or between its own word and silence. */
type OnChange = (target: ProbedTarget, before: TargetVerdict | undefined) => void;

/** The targets that are probed, and what is known of each. */
export class HealthBook {
  readonly #targets = new Map<string, ProbedTarget>();
  readonly #onChange: OnChange;

  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  get all(): Iterable<ProbedTarget> {
    return this.#targets.values();
  }

  get size(): number {
    return this.#targets.size;
  }

  get(key: string): ProbedTarget | undefined {
    return this.#targets.get(key);
  }

  of(upstream: string): readonly ProbedTarget[] {
    return [...this.#targets.values()].filter((target) => target.upstream === upstream);
  }

  /** A new configuration: what is known of a target stays where it is asked for the same as before. */
  configure({ upstreams }: Pick<Config, 'upstreams'>, nowMs: number): void {
    const wanted = new Set<string>();
    for (const upstream of upstreams) {
      for (const fresh of probedOf(upstream, nowMs)) {
        wanted.add(fresh.key);
        const known = this.#targets.get(fresh.key);
        const sameQuestion = known !== undefined && question(known) === question(fresh);
        if (sameQuestion) Object.assign(known, { order: fresh.order, health: fresh.health });
        else this.#targets.set(fresh.key, fresh);
      }
    }
    for (const key of this.#targets.keys()) if (!wanted.has(key)) this.#targets.delete(key);
  }

  take(target: ProbedTarget, found: NewVerdict): void {
    const { verdict: before } = target;
    Object.assign(target, found);
    if ((before?.verdict ?? 'up') !== (found.verdict?.verdict ?? 'up')) this.#onChange(target, before);
  }

  /**
   * What the cluster has found, as far as it is news and not too old.
   * @param nowMs when it was read
   * @returns targets that have been probed since
   */
  takeShared(snapshot: HealthSnapshot, nowMs: number): readonly ProbedTarget[] {
    const news: ProbedTarget[] = [];
    for (const target of this.#targets.values()) {
      const shared = snapshot.targets.get(target.key);
      if (shared === undefined) {
        // The hash was deleted.
        if (target.source === 'cluster')
          this.take(target, { verdict: undefined, source: 'node', by: '', checkedMs: -Infinity });
        continue;
      }
      const { by, ...verdict } = shared;
      const ageMs = snapshot.nowMs - shared.checkedMs;
      const checkedMs = nowMs - ageMs;
      target.sharedMs = Math.max(target.sharedMs, checkedMs);
      if (ageMs > staleMs(target) || checkedMs < target.checkedMs - target.health.intervalMs / 2) continue;
      if (target.source === 'cluster' && target.verdict?.checkedMs === verdict.checkedMs) continue;
      this.take(target, { verdict, source: 'cluster', by, checkedMs });
      news.push(target);
    }
    return news;
  }

  /** Whether the cluster has not probed it for so long that this node must. */
  isForgotten(target: ProbedTarget, nowMs: number): boolean {
    return nowMs - target.sharedMs > staleMs(target);
  }
}

const staleMs = ({ health }: ProbedTarget): number => STALE_INTERVALS * health.intervalMs;

/** What a target is asked, and which answers are good; how often, and how many of them count, is no other question. */
const question = ({ order: { target, tls, health } }: ProbedTarget): string =>
  JSON.stringify([{ ...target, weight: 1 }, tls, health.path, health.statuses]);

function probedOf({ name, targets, tls, maxHeaderBytes, health }: UpstreamConfig, nowMs: number): ProbedTarget[] {
  if (health === undefined) return [];
  return targets.map((target) => ({
    key: targetKey(name, targetName(target)),
    upstream: name,
    target: targetName(target),
    order: { upstream: name, target, tls, health, maxHeaderBytes },
    health,
    verdict: undefined,
    source: 'node',
    by: '',
    checkedMs: -Infinity,
    sharedMs: nowMs,
  }));
}
