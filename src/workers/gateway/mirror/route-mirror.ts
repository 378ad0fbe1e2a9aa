import type { MirrorConfig } from '../../../shared/config/mirror/types.ts';
import { ROUTE } from '../../../shared/metrics/layout.ts';
import type { BreakerGate } from '../breaker/gate.ts';
import { BodyRoom } from '../exchange/gathered-body.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { MirrorCall } from './mirror-call.ts';
import type { MirroredRequest } from './mirror-call.ts';

/** Copies of a route that a thread has under way; those beyond it are not made. */
const MOST_UNDER_WAY = 100;

export interface MirrorParts {
  readonly config: MirrorConfig;
  readonly upstream: Upstream;
  /** Row of the circuit breaker of its upstream; 0 = it has none. */
  readonly breakerPlace: number;
  /** Where the metrics' row of the route starts. */
  readonly metricsStart: number;
  readonly metrics: ThreadMetrics;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Copies of some of a route's requests for an upstream whose answers nobody reads. */
export class RouteMirror {
  readonly upstream: Upstream;
  readonly bodyRoom = new BodyRoom();
  readonly #parts: MirrorParts;
  #underWay = 0;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
    this.upstream = parts.upstream;
  }

  /**
   * To be started when the request itself has been given to its upstream; until then it is only a copy.
   * @returns undefined: of this request none is made
   */
  copyOf(request: MirroredRequest, breaker: BreakerGate): MirrorCall | undefined {
    const { config, random, breakerPlace, metrics, metricsStart } = this.#parts;
    if (random() * 100 >= config.percent) return undefined;
    const { room } = this.upstream;
    const isFull =
      this.#underWay >= MOST_UNDER_WAY || !this.upstream.mayQueue() || (room !== undefined && room.waiting > 0);
    const copy =
      isFull || (breakerPlace !== 0 && breaker.state(breakerPlace) !== 'CLOSED')
        ? undefined
        : MirrorCall.of(request, this);
    metrics.add(metricsStart + (copy === undefined ? ROUTE.mirrorDropped : ROUTE.mirrored));
    if (copy !== undefined) this.#underWay++;
    return copy;
  }

  onOver(): void {
    this.#underWay--;
  }
}
