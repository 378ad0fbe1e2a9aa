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
import type { FromUpstreamThread, NewTargets, TargetSets } from '../../shared/upstreams/messages.ts';
import { priorityOf } from '../../shared/overload/priority.ts';
import type { Priority } from '../../shared/overload/priority.ts';
import { splitKey } from '../../shared/upstreams/split-key.ts';
import type { ThreadNames } from './upstream/thread-names.ts';
import type { ThreadRooms } from './overload/thread-rooms.ts';
import type { FairClients } from './upstream/fair-line.ts';
import type { Streams } from './upstream/streams.ts';
import { RouteMirror } from './mirror/route-mirror.ts';
import { RouteSplit } from './split/route-split.ts';
import { compileRules } from './rules/route-rules.ts';
import type { RouteRules } from './rules/route-rules.ts';
import { watchHealth } from './upstream/upstream-health.ts';
import { watchEjection } from './upstream/watch-ejection.ts';
import type { EjectionWatch } from './upstream/watch-ejection.ts';
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
  readonly healthWatch: EjectionWatch;
  readonly targetSets: TargetSets;
  /** Targets, by `targetKey`. */
  readonly drained: ReadonlySet<string>;
  /** Weights that an operator has moved, by `splitKey`. */
  readonly splitWeights: ReadonlyMap<string, number>;
  readonly metrics: ThreadMetrics;
  readonly names: ThreadNames;
  /** To the front, of upstreams. */
  readonly post: (message: FromUpstreamThread) => void;
  readonly clients: FairClients;
  readonly rooms: ThreadRooms;
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
  /** `undefined` = what the profile of the caller says, else normal. */
  readonly priority: Priority | undefined;
  /** `undefined` = Upgrade is ignored. */
  readonly websocket: SocketRoute | undefined;
  /** `undefined` = all requests go to `upstream`. */
  readonly split: RouteSplit<ForwardingStages> | undefined;
  /** `undefined` = no copies are made. */
  readonly mirror: RouteMirror | undefined;
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
  /** By route. */
  readonly #splits: ReadonlyMap<string, RouteSplit<ForwardingStages>>;
  readonly #router: Router<RouteStages>;
  readonly #healthWatch: EjectionWatch;
  readonly #threads: number;
  #drained: ReadonlySet<string>;
  readonly #configs: ReadonlyMap<string, UpstreamConfig>;

  constructor(config: Config, options: RoutingTableOptions & { readonly previous?: RoutingTable }) {
    const { breakerPlaces, clients, deadlines, healthPlaces, healthWatch, identity, limits, metrics, names, post } =
      options;
    const { authorizers, previous, random, streams, targetSets } = options;
    this.#healthWatch = healthWatch;
    this.#drained = options.drained;
    this.#threads = Math.max(1, config.server.workers);
    this.#configs = new Map(config.upstreams.map((each) => [each.name, each]));
    this.trustedProxies = new TrustedProxies(config.server.trustedProxies);
    const handles = config.testNoHandles ? undefined : nodeHandles();
    const upstreams = new Map<string, Upstream>();
    for (const each of config.upstreams) {
      const before = previous?.upstreams.get(each.name);
      // The same settings: keep the connections and what is known of the targets.
      const same = before !== undefined && poolSettings(before.config) === poolSettings(each);
      const parts = { config: each, deadlines, random, metrics, handles, clients, names, post, streams };
      const upstream = same ? before : new Upstream(parts);
      upstream.retarget(targetSets.get(each.name) ?? each.targets);
      this.#watch(upstream, each, healthPlaces);
      upstream.room = options.rooms.of(each.name);
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
    const splits = new Map<string, RouteSplit<ForwardingStages>>();
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
      const stages = {
        rules,
        authentication,
        authorization: authorizers.of(route, find),
        limit: limits.routeLimit(route),
        metricsStart,
        priority: priorityOf(route.priority),
        websocket,
        split: undefined,
        mirror:
          route.mirror &&
          new RouteMirror({ ...find(route.mirror.upstream), config: route.mirror, metricsStart, metrics, random }),
      };
      if (name === undefined) return { ...NO_UPSTREAM, ...stages };
      const ofSide = (side: string): ForwardingStages => ({ ...find(side), ...stages });
      if (route.split === undefined) return ofSide(name);
      const split = new RouteSplit(route.split, ofSide);
      splits.set(route.name, split);
      return { ...ofSide(name), split };
    });
    this.#splits = splits;
    this.weighSplits(options.splitWeights);
    this.upstreams = upstreams;
    this.hasCors = config.routes.some(({ rules }) => rules?.cors !== undefined);
    this.sockets = sockets;
  }

  match(asked: Asked, path: string): Match<RouteStages> {
    return this.#router.match(asked, path);
  }

  /** Other targets are drained. @param drained by `targetKey` */
  drain(drained: ReadonlySet<string>): void {
    this.#drained = drained;
    for (const [name, upstream] of this.upstreams) {
      upstream.reweigh(this.#configs.get(name)?.slowStartMs ?? 0, this.#healthWatch, drained);
    }
  }

  /** Other weights are moved. @param weights by `splitKey` */
  weighSplits(weights: ReadonlyMap<string, number>): void {
    for (const [route, split] of this.#splits) split.weigh((upstream) => weights.get(splitKey(route, upstream)));
  }

  /** The addresses of a name have changed. */
  retarget({ upstream: name, targets, places }: NewTargets): void {
    const upstream = this.upstreams.get(name);
    const config = this.#configs.get(name);
    // Of a configuration that is not here yet, or no more: that brings its own.
    if (upstream === undefined || config === undefined || config.resolveAllMs === 0) return;
    upstream.retarget(targets);
    this.#watch(upstream, config, places);
  }

  #watch(upstream: Upstream, config: UpstreamConfig, places: HealthPlaces): void {
    const { name, health, ejection, balance, slowStartMs } = config;
    const watch = this.#healthWatch;
    const { targets } = upstream;
    upstream.health = watchHealth(watch, health === undefined ? NO_PLACES : places, { upstream: name, targets });
    watchEjection(watch, places, { upstream, rule: ejection });
    upstream.reweigh(slowStartMs, watch, this.#drained);
    upstream.balanceBy(balance);
    upstream.retryBudget.configure(config.retryBudget, this.#threads);
  }

  /** Every tick. */
  tick(nowMs: number): void {
    for (const upstream of this.upstreams.values()) upstream.tick(nowMs);
  }

  destroy(): void {
    for (const upstream of this.upstreams.values()) upstream.destroy();
  }
}

const NO_PLACES: HealthPlaces = new Map();

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
const poolSettings = (upstream: UpstreamConfig): string => {
  const { breaker: _breaker, health: _health, ejection: _ejection, slowStartMs: _slow, ...rest } = upstream;
  const { balance: _balance, resolveAllMs: _resolve, targets: _targets, retryBudget: _budget, ...others } = rest;
  const { concurrency: _concurrency, ...settings } = others;
  return JSON.stringify(settings);
};
