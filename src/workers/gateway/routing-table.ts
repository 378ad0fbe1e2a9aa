import type { BreakerPlaces } from '../../shared/breaker/messages.ts';
import { DEFAULT_OUTCOME_RULE } from '../../shared/breaker/outcome.ts';
import type { OutcomeRule } from '../../shared/breaker/outcome.ts';
import type { Config, RouteConfig, UpstreamConfig } from '../../shared/config/types.ts';
import type { HealthPlaces } from '../../shared/health/memory.ts';
import type { Asked } from '../../shared/http/conditions.ts';
import { Router } from '../../shared/http/router.ts';
import type { Match } from '../../shared/http/router.ts';
import { nodeHandles } from '../../shared/net/handles.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';
import type { Deadlines } from './deadlines.ts';
import type { RouteAuthorization } from './authorize/route-authorization.ts';
import type { AskedUpstream, ThreadAuthorizers } from './authorize/thread-authorizers.ts';
import type { RouteAuthentication } from './identity/route-authentication.ts';
import type { ThreadIdentity } from './identity/thread-identity.ts';
import type { RouteLimit, ThreadLimits } from './limits/thread-limits.ts';
import type { ThreadMetrics } from './metrics/thread-metrics.ts';
import type { FromUpstreamThread } from '../../shared/upstreams/messages.ts';
import type { ThreadNames } from './upstream/thread-names.ts';
import type { FairClients } from './upstream/fair-line.ts';
import type { Streams } from './upstream/streams.ts';
import { compileRules } from './rules/route-rules.ts';
import type { RouteRules } from './rules/route-rules.ts';
import { watchHealth } from './upstream/upstream-health.ts';
import type { HealthWatch } from './upstream/upstream-health.ts';
import { Upstream } from './upstream/upstream.ts';
import type { SocketRoute } from './websocket/thread-websockets.ts';

export interface RoutingTableOptions {
  readonly deadlines: Deadlines;
  readonly random: () => number;
  readonly limits: ThreadLimits;
  readonly identity: ThreadIdentity;
  readonly authorizers: ThreadAuthorizers;
  readonly breakerPlaces: BreakerPlaces;
  readonly healthPlaces: HealthPlaces;
  readonly healthWatch: HealthWatch;
  readonly metrics: ThreadMetrics;
  readonly names: ThreadNames;
  /** To the front, of upstreams. */
  readonly post: (message: FromUpstreamThread) => void;
  readonly clients: FairClients;
  readonly streams: Streams;
}

/** Of a route whose rules answer. */
const NO_UPSTREAM = { upstream: undefined, breakerPlace: 0, outcomes: DEFAULT_OUTCOME_RULE };

/** What the stages of an exchange need of its route. */
export interface RouteStages {
  /** `undefined` = none: the rules have an answer. */
  readonly upstream: Upstream | undefined;
  /** `undefined` = it only forwards. */
  readonly rules: RouteRules | undefined;
  /** `undefined` = for whoever asks. */
  readonly authentication: RouteAuthentication | undefined;
  /** `undefined` = nobody is asked whether a request may pass, and nobody says who its caller is. */
  readonly authorization: RouteAuthorization | undefined;
  /** `undefined` = not limited. */
  readonly limit: RouteLimit | undefined;
  /** Row of the upstream's circuit breaker; 0 = it has none. */
  readonly breakerPlace: number;
  readonly outcomes: OutcomeRule;
  /** Where the metrics' row of the route starts. */
  readonly metricsStart: number;
  /** `undefined` = Upgrade is ignored. */
  readonly websocket: SocketRoute | undefined;
}

/** The same of a route whose requests go to an upstream. */
export interface ForwardingStages extends RouteStages {
  readonly upstream: Upstream;
}

/** Routes and upstreams of one configuration. Immutable: a reload makes a new one that takes over what is unchanged. */
export class RoutingTable {
  readonly trustedProxies: TrustedProxies;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Some route answers preflights. */
  readonly hasCors: boolean;
  /** Routes that WebSockets pass on, by name. */
  readonly sockets: ReadonlyMap<string, SocketRoute>;
  readonly #router: Router<RouteStages>;

  constructor(config: Config, options: RoutingTableOptions & { readonly previous?: RoutingTable }) {
    const { breakerPlaces, clients, deadlines, healthPlaces, healthWatch, identity, limits, metrics, names, post } =
      options;
    const { authorizers, previous, random, streams } = options;
    this.trustedProxies = new TrustedProxies(config.server.trustedProxies);
    const handles = config.testNoHandles ? undefined : nodeHandles();
    const upstreams = new Map<string, Upstream>();
    for (const each of config.upstreams) {
      const before = previous?.upstreams.get(each.name);
      // The same settings: keep the connections and what is known of the targets.
      const same = before !== undefined && poolSettings(before.config) === poolSettings(each);
      const parts = { config: each, deadlines, random, metrics, handles, clients, names, post, streams };
      const upstream = same ? before : new Upstream(parts);
      upstream.health = watchHealth(healthWatch, healthPlaces, { upstream: each.name, targets: upstream.targets });
      upstreams.set(each.name, upstream);
    }
    for (const [name, upstream] of previous?.upstreams ?? []) {
      if (upstreams.get(name) !== upstream) upstream.retire();
    }
    const outcomes = new Map(config.upstreams.map(({ name, breaker }) => [name, outcomeRule(breaker)]));
    const find = (name: string): AskedUpstream => {
      const upstream = upstreams.get(name);
      if (upstream === undefined) throw new Error(`a route names the unknown upstream ${name}`);
      const breakerPlace = breakerPlaces.get(name) ?? 0;
      return { upstream, breakerPlace, outcomes: outcomes.get(name) ?? DEFAULT_OUTCOME_RULE };
    };
    const sockets = new Map<string, SocketRoute>();
    this.#router = new Router(config.routes, (route) => {
      const name = route.upstream;
      const rules = compileRules(route);
      if (name === undefined && rules?.answer === undefined) {
        throw new Error(`route ${route.name} has neither upstream nor answer`);
      }
      const metricsStart = metrics.startOf('route', route.name);
      const authentication = identity.of(route);
      const websocket = socketRoute(route, limits, { authentication, metricsStart });
      if (websocket !== undefined) sockets.set(route.name, websocket);
      return {
        ...(name === undefined ? NO_UPSTREAM : find(name)),
        rules,
        authentication,
        authorization: authorizers.of(route, find),
        limit: limits.routeLimit(route),
        metricsStart,
        websocket,
      };
    });
    this.upstreams = upstreams;
    this.hasCors = config.routes.some(({ rules }) => rules?.cors !== undefined);
    this.sockets = sockets;
  }

  match(asked: Asked, path: string): Match<RouteStages> {
    return this.#router.match(asked, path);
  }

  /** Every tick. */
  tick(nowMs: number): void {
    for (const upstream of this.upstreams.values()) upstream.tick(nowMs);
  }

  destroy(): void {
    for (const upstream of this.upstreams.values()) upstream.destroy();
  }
}

function socketRoute(
  { name, websocket: config }: RouteConfig,
  limits: ThreadLimits,
  of: Pick<SocketRoute, 'authentication' | 'metricsStart'>,
): SocketRoute | undefined {
  if (config === undefined) return undefined;
  const { messageLimits } = config;
  const messageLimit = messageLimits === undefined ? undefined : limits.compile(messageLimits);
  return { name, config, messageLimit, ...of };
}

const outcomeRule = ({ statuses, slowMs }: UpstreamConfig['breaker']): OutcomeRule => ({
  ...DEFAULT_OUTCOME_RULE,
  statuses: new Set(statuses),
  slowMs,
});

/** Everything about an upstream that its connections depend on. */
const poolSettings = ({ breaker: _breaker, health: _health, ...settings }: UpstreamConfig): string =>
  JSON.stringify(settings);
