import type { NameValue } from '../../../shared/config/rules/types.ts';
import type { SplitSideConfig } from '../../../shared/config/split/types.ts';
import { hasField } from '../../../shared/http/conditions.ts';
import { distanceOf, hashOf } from '../../../shared/targets/rendezvous.ts';

/** What of a request its side goes by. */
export interface SplitRequest {
  /** Header lines, each with its CRLF. */
  readonly fields: string;
  /** Who has proved who he is; '' = nobody has. */
  readonly consumer: string;
  /** Of the client, as limits name it. */
  addressName(): string;
}

interface Side<Stages> {
  readonly upstream: string;
  readonly hash: number;
  readonly when: NameValue | undefined;
  readonly stages: Stages;
  weight: number;
}

/**
 * The upstreams that the requests of a route are divided among: by a condition, else by weights, so that one client stays
 * on one side. A weight that moves takes clients to or from that side, and none between the others.
 */
export class RouteSplit<Stages> {
  readonly #sides: readonly Side<Stages>[];
  readonly #configured: ReadonlyMap<string, number>;
  readonly #hasConditions: boolean;

  /** @param stagesOf those of the route, with that upstream */
  constructor(sides: readonly SplitSideConfig[], stagesOf: (upstream: string) => Stages) {
    this.#sides = sides.map(({ upstream, weight, when }) => {
      return { upstream, weight, when, hash: hashOf(upstream), stages: stagesOf(upstream) };
    });
    this.#configured = new Map(sides.map(({ upstream, weight }) => [upstream, weight]));
    this.#hasConditions = sides.some(({ when }) => when !== undefined);
  }

  /** @param moved the weight of an upstream that an operator has set; undefined: it is as configured */
  weigh(moved: (upstream: string) => number | undefined): void {
    for (const side of this.#sides) {
      side.weight = moved(side.upstream) ?? this.#configured.get(side.upstream) ?? 0;
    }
    if (this.#sides.some(({ weight }) => weight > 0)) return;
    // Nothing would be left: a word over a split that has another configuration since.
    for (const side of this.#sides) side.weight = this.#configured.get(side.upstream) ?? 0;
  }

  stagesFor(request: SplitRequest): Stages {
    if (this.#hasConditions) {
      for (const { when, stages } of this.#sides) {
        if (when !== undefined && hasField(request.fields, when)) return stages;
      }
    }
    const key = hashOf(request.consumer === '' ? request.addressName() : request.consumer);
    let nearest = this.#sides[0] as Side<Stages>;
    let nearestAt = Number.POSITIVE_INFINITY;
    for (const side of this.#sides) {
      if (side.weight === 0) continue;
      const at = distanceOf(key, side.hash, side.weight);
      if (at >= nearestAt) continue;
      nearest = side;
      nearestAt = at;
    }
    return nearest.stages;
  }
}
