import type { EjectionConfig } from '../../../shared/config/types.ts';
import { healthRowOf, targetKey } from '../../../shared/health/memory.ts';
import type { HealthPlaces } from '../../../shared/health/memory.ts';
import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';
import type { ClientIds } from '../breaker/client-ids.ts';
import { TargetEjection } from './target-ejection.ts';
import type { EjectionParts } from './target-ejection.ts';
import type { HealthWatch, UpstreamHealth } from './upstream-health.ts';

/** What of an upstream ejections concern. */
export interface WatchedUpstream {
  readonly config: { readonly name: string };
  readonly targets: readonly {
    readonly name: string;
    readonly fullWeight: number;
    row: number;
    ejection: TargetEjection | undefined;
  }[];
  readonly health: UpstreamHealth | undefined;
}

/** What this thread tells targets apart and clients by. */
export interface EjectionWatch extends HealthWatch {
  readonly clients: ClientIds;
  /** To the front. */
  readonly post: (message: FromUpstreamThread) => void;
}

/**
 * Gives the targets of an upstream their rows, and what they are ejected by, or takes that away.
 * @param rule undefined: none is ever ejected
 */
export function watchEjection(
  { words, aheadMs, clients, post }: EjectionWatch,
  places: HealthPlaces,
  { upstream, rule }: { readonly upstream: WatchedUpstream; readonly rule: EjectionConfig | undefined },
): void {
  const { name } = upstream.config;
  const parts: EjectionParts | undefined = rule && {
    words,
    aheadMs,
    upstream: name,
    config: rule,
    peers: () => upstream.targets,
    isDown: (row, nowMs) => upstream.health?.hasDown === true && upstream.health.isOut(row, nowMs),
    numberOf: (client) => clients.of(client).low,
    post,
  };
  for (const target of upstream.targets) {
    const place = places.get(targetKey(name, target.name));
    target.row = place === undefined ? 0 : healthRowOf(place);
    const watched = parts !== undefined && place !== undefined && upstream.targets.length > 1;
    target.ejection = watched ? new TargetEjection({ target: target.name, row: target.row }, parts) : undefined;
  }
}
