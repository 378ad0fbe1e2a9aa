import { hostname } from 'node:os';
import { defaultMaxConnections } from '../net/open-files.ts';
import type { EnvName, EnvValues } from './env-table.ts';
import { defaultNodeName } from './node-name.ts';
import { toMs } from './numbers.ts';
import { resolveBreaker } from './resolve-breaker.ts';
import { resolveLimits, resolveRouteLimits } from './resolve-limits.ts';
import type { LimitDefaults } from './resolve-limits.ts';
import { resolveRedis } from './resolve-redis.ts';
import { resolveTls } from './resolve-tls.ts';
import { routeName } from './route-conflicts.ts';
import { parseTargets } from './target-url.ts';
import { resolveBeside } from './text-file.ts';
import type {
  Config,
  RouteConfig,
  ServerConfig,
  TargetConfig,
  TimeoutsConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from './types.ts';
import type { Machine } from './machine.ts';
import type { GatewayYaml, RouteYaml, UpstreamYaml } from './yaml-schema.ts';

/** Values that have passed every check; here they only get their defaults, their units and their shape. */
export interface Checked {
  readonly env: EnvValues;
  /** Variables that are set. */
  readonly given: ReadonlySet<EnvName>;
  /** The YAML and the name of its file. */
  readonly yaml: { readonly data: GatewayYaml; readonly file: string } | undefined;
  readonly machine: Machine;
}

const DEFAULT_UPSTREAM = 'default';
const PROXY_ROUTE: RouteYaml = { name: 'proxy', path: '/proxy', upstream: DEFAULT_UPSTREAM, strip_prefix: true };
const NO_TLS_SETTINGS: UpstreamTlsConfig = { caFile: undefined, serverName: undefined, verify: true };

/** What systemd hands over starts here (sd_listen_fds). */
const FIRST_INHERITED = 3;

function resolveServer(env: EnvValues, { openFilesLimit, pids }: Machine): ServerConfig {
  return {
    front: env.FRONT,
    host: env.HOST,
    port: env.PORT,
    adminHost: env.ADMIN_HOST,
    adminPort: env.ADMIN_PORT,
    adminToken: env.ADMIN_TOKEN,
    workers: env.WORKERS,
    idleTimeoutMs: toMs(env.IDLE_TIMEOUT_SECONDS),
    drainTimeoutMs: toMs(env.DRAIN_TIMEOUT_SECONDS),
    maxHeaderBytes: env.MAX_HEADER_BYTES,
    maxConnections: env.MAX_CONNECTIONS ?? defaultMaxConnections(openFilesLimit, env.WORKERS),
    maxConnectionsPerIp: env.MAX_CONNECTIONS_PER_IP,
    connectionRatePerIp: env.CONNECTION_RATE_PER_IP,
    halfCloseMs: toMs(env.HALF_CLOSE_SECONDS),
    forwardInformational: env.FORWARD_INFORMATIONAL,
    mergeSlashes: env.MERGE_SLASHES,
    uwsChunked: env.UWS_CHUNKED,
    maxInFlight: env.MAX_IN_FLIGHT,
    tls: resolveTls(env),
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    inheritedSocket: (env.LISTEN_FDS ?? 0) > 0 && pids.includes(env.LISTEN_PID ?? -1) ? FIRST_INHERITED : undefined,
    proxyProtocol: env.PROXY_PROTOCOL,
  };
}

function resolveTimeouts(env: EnvValues, route: RouteYaml): TimeoutsConfig {
  const own = route.timeouts ?? {};
  return {
    connectMs: toMs(own.connect_seconds ?? env.CONNECT_TIMEOUT_SECONDS),
    headersMs: toMs(own.response_headers_seconds ?? env.RESPONSE_HEADERS_TIMEOUT_SECONDS),
    bodyIdleMs: toMs(own.body_idle_seconds ?? env.BODY_IDLE_TIMEOUT_SECONDS),
    totalMs: toMs(own.total_seconds ?? env.TOTAL_TIMEOUT_SECONDS),
  };
}

function resolveRoute(defaults: LimitDefaults, route: RouteYaml): RouteConfig {
  const { env } = defaults;
  const name = routeName(route) ?? 'root';
  return {
    name,
    path: route.path ?? route.exact ?? '/',
    exact: route.exact !== undefined,
    methods: route.methods,
    host: route.host?.toLowerCase(),
    upstream: route.upstream,
    stripPrefix: route.strip_prefix ?? false,
    preserveHost: route.preserve_host ?? false,
    timeouts: resolveTimeouts(env, route),
    maxBodyBytes: route.max_body_bytes ?? env.MAX_BODY_BYTES,
    limits: resolveRouteLimits(defaults, route, name),
  };
}

function resolveUpstream({ env, yaml }: Checked, name: string, own: UpstreamYaml): UpstreamConfig {
  const targets = parseTargets(own.targets ?? [own.url ?? '']);
  const tls = own.tls ?? {};
  return {
    name,
    targets: targets.ok ? targets.value : [],
    connections: own.connections ?? env.UPSTREAM_CONNECTIONS,
    queue: own.queue ?? env.UPSTREAM_QUEUE,
    idleMs: toMs(own.idle_timeout_seconds ?? env.UPSTREAM_IDLE_TIMEOUT_SECONDS),
    pipelining: own.pipelining ?? env.UPSTREAM_PIPELINING,
    maxAgeMs: toMs(own.max_age_seconds ?? env.UPSTREAM_MAX_AGE_SECONDS),
    tls: {
      caFile: tls.ca_file === undefined ? undefined : resolveBeside(yaml?.file ?? '', tls.ca_file),
      serverName: tls.server_name,
      verify: tls.verify ?? true,
    },
    breaker: resolveBreaker(env, own.circuit_breaker ?? {}),
  };
}

const resolveDefaultUpstream = (env: EnvValues, targets: readonly TargetConfig[]): UpstreamConfig => ({
  name: DEFAULT_UPSTREAM,
  targets,
  connections: env.UPSTREAM_CONNECTIONS,
  queue: env.UPSTREAM_QUEUE,
  idleMs: toMs(env.UPSTREAM_IDLE_TIMEOUT_SECONDS),
  pipelining: env.UPSTREAM_PIPELINING,
  maxAgeMs: toMs(env.UPSTREAM_MAX_AGE_SECONDS),
  tls: NO_TLS_SETTINGS,
  breaker: resolveBreaker(env, {}),
});

const demoTarget = (port: number): TargetConfig => ({
  origin: `http://127.0.0.1:${port}`,
  secure: false,
  host: '127.0.0.1',
  port,
  basePath: '',
});

/** The whole configuration. An upstream of the YAML named `default` takes the place of UPSTREAM_URL. */
export function resolveConfig(checked: Checked): Config {
  const { env, given, yaml } = checked;
  const demoUpstream = yaml === undefined && env.UPSTREAM_URL === undefined;
  const targets = env.UPSTREAM_URL ?? (demoUpstream ? [demoTarget(env.DEMO_UPSTREAM_PORT)] : undefined);
  const routes = yaml?.data.routes ?? [PROXY_ROUTE];
  const upstreams = Object.entries(yaml?.data.upstreams ?? {}).map(([name, own]) =>
    resolveUpstream(checked, name, own),
  );
  const hasDefault = upstreams.some(({ name }) => name === DEFAULT_UPSTREAM);
  const wantsDefault = routes.some(({ upstream }) => upstream === DEFAULT_UPSTREAM);
  // Whoever writes routes says what is limited; the route that is there by itself always is.
  const limitByDefault =
    yaml?.data.routes === undefined || given.has('RATE_LIMIT_CAPACITY') || given.has('RATE_LIMIT_REFILL_RATE');
  return {
    node: { name: env.NODE_NAME ?? defaultNodeName(hostname(), checked.machine.chance) },
    server: resolveServer(env, checked.machine),
    logLevel: env.LOG_LEVEL,
    accessLog: env.ACCESS_LOG,
    routes: routes.map((route) => resolveRoute({ env, limitByDefault }, route)),
    upstreams:
      targets === undefined || hasDefault || !wantsDefault
        ? upstreams
        : [resolveDefaultUpstream(env, targets), ...upstreams],
    limits: resolveLimits(env),
    redis: resolveRedis(env),
    demoUpstream,
    testFaults: env.GATEWAY_TEST_FAULTS,
    testNoHandles: env.GATEWAY_TEST_NO_HANDLES,
  };
}
