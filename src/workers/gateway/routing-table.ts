import type { Config, RouteConfig } from '../../shared/config/types.ts';
import { Router, type Match } from '../../shared/http/router.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';
import type { Deadlines } from './deadlines.ts';
import { Upstream } from './upstream/upstream.ts';

export interface RoutingTableOptions {
  readonly deadlines: Deadlines;
  readonly random: () => number;
}

/** Routes and upstreams of one configuration. Immutable: a reload makes a new one that takes over what is unchanged. */
export class RoutingTable {
  readonly trustedProxies: TrustedProxies;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly #router: Router;
  readonly #upstreamOf = new Map<RouteConfig, Upstream>();

  constructor(config: Config, { deadlines, random, previous }: RoutingTableOptions & { previous?: RoutingTable }) {
    this.trustedProxies = new TrustedProxies(config.server.trustedProxies);
    this.#router = new Router(config.routes);
    const upstreams = new Map<string, Upstream>();
    for (const each of config.upstreams) {
      const before = previous?.upstreams.get(each.name);
      // The same settings: keep the connections and what is known of the targets.
      const same = before !== undefined && JSON.stringify(before.config) === JSON.stringify(each);
      upstreams.set(each.name, same ? before : new Upstream({ config: each, deadlines, random }));
    }
    for (const [name, upstream] of previous?.upstreams ?? []) {
      if (upstreams.get(name) !== upstream) upstream.retire();
    }
    for (const route of config.routes) {
      const upstream = upstreams.get(route.upstream);
      if (upstream === undefined) throw new Error(`route ${route.name} names unknown upstream ${route.upstream}`);
      this.#upstreamOf.set(route, upstream);
    }
    this.upstreams = upstreams;
  }

  match(host: string, path: string, method: string): Match {
    return this.#router.match(host, path, method);
  }

  upstreamOf(route: RouteConfig): Upstream {
    return this.#upstreamOf.get(route) as Upstream;
  }

  closeAged(nowMs: number): void {
    for (const upstream of this.upstreams.values()) upstream.closeAged(nowMs);
  }

  destroy(): void {
    for (const upstream of this.upstreams.values()) upstream.destroy();
  }
}
