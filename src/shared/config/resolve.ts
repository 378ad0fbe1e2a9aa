import { hostname } from 'node:os';
import { resolveAuthorizers, withAuthorizedFields } from './authorize/resolve.ts';
import { resolveBackups } from './backups/resolve.ts';
import type { EnvName, EnvValues } from './env-table.ts';
import { resolveIdentities } from './identity/resolve.ts';
import { resolveJobs } from './jobs/resolve.ts';
import { resolveLimits } from './limits/resolve.ts';
import { resolveRedis } from './redis/resolve.ts';
import { resolveRoute } from './routes/resolve.ts';
import type { Machine } from './server/machine.ts';
import { defaultNodeName } from './server/node-name.ts';
import { resolveServer } from './server/resolve.ts';
import { resolveSource } from './source/resolve.ts';
import { upstreamsOf } from './split/resolve.ts';
import type { ReadFile } from './text-file.ts';
import type { Config } from './types.ts';
import {
  DEFAULT_UPSTREAM,
  demoTarget,
  resolveDefaultUpstream,
  resolveUpstream,
  withCaDigest,
} from './upstreams/resolve.ts';
import type { GatewayYaml, RouteYaml } from './yaml-schema.ts';

/** The YAML of all files. */
export interface CheckedYaml {
  readonly data: GatewayYaml;
  /** Name of the file that a part stands in. */
  readonly fileOf: (path: readonly PropertyKey[]) => string;
  /** Texts in it that came from elsewhere and are shown to nobody. */
  readonly secrets: readonly string[];
}

/** Values that have passed every check; here they only get their defaults, their units and their shape. */
export interface Checked {
  readonly env: EnvValues;
  /** Variables that are set. */
  readonly given: ReadonlySet<EnvName>;
  readonly yaml: CheckedYaml | undefined;
  readonly machine: Machine;
  /** STATE_DIR, or where it is by default; `undefined`: nowhere. */
  readonly stateDir: string | undefined;
  /** Absolute paths of the files that secrets come from. */
  readonly secretFiles: readonly string[];
  readonly readFile: ReadFile;
}

const PROXY_ROUTE: RouteYaml = { name: 'proxy', path: '/proxy', upstream: DEFAULT_UPSTREAM, strip_prefix: true };
const PROXY_ROUTE_WITH_SOCKETS: RouteYaml = { ...PROXY_ROUTE, websocket: {} };

/** The whole configuration. An upstream of the YAML named `default` takes the place of UPSTREAM_URL. */
export function resolveConfig(checked: Checked): Config {
  const { env, given, yaml } = checked;
  const demoUpstream = yaml === undefined && env.UPSTREAM_URL === undefined;
  const targets = env.UPSTREAM_URL ?? (demoUpstream ? [demoTarget(env.DEMO_UPSTREAM_PORT)] : undefined);
  const routes = yaml?.data.routes ?? [env.WEBSOCKET ? PROXY_ROUTE_WITH_SOCKETS : PROXY_ROUTE];
  const upstreams = Object.entries(yaml?.data.upstreams ?? {}).map((own) =>
    resolveUpstream(env, yaml?.fileOf(['upstreams', own[0]]) ?? '', own),
  );
  const hasDefault = upstreams.some(({ name }) => name === DEFAULT_UPSTREAM);
  const wantsDefault = routes.some(
    (route) => upstreamsOf(route).includes(DEFAULT_UPSTREAM) || route.authorize?.upstream === DEFAULT_UPSTREAM,
  );
  // Whoever writes routes says what is limited; the route that is there by itself always is.
  const limitByDefault =
    yaml?.data.routes === undefined ||
    given.has('RATE_LIMIT_CAPACITY') ||
    given.has('RATE_LIMIT_REFILL_RATE') ||
    given.has('RATE_LIMIT_PROFILE');
  const identities = resolveIdentities(env, yaml);
  const { profiles } = identities;
  const authenticates = routes.some(({ authenticate = [] }) => authenticate.length > 0);
  const redis = resolveRedis(env, checked.readFile);
  return {
    node: { name: env.NODE_NAME ?? defaultNodeName(hostname(), checked.machine.chance) },
    server: resolveServer(env, checked.machine, checked.stateDir),
    source: resolveSource(env),
    logLevel: env.LOG_LEVEL,
    accessLog: env.ACCESS_LOG,
    routes: withAuthorizedFields(routes.map((route) => resolveRoute({ env, limitByDefault, profiles }, route))),
    upstreams: [
      ...(targets === undefined || hasDefault || !wantsDefault ? [] : [resolveDefaultUpstream(env, targets)]),
      ...upstreams,
      ...resolveAuthorizers(env, routes),
    ].map((upstream) => withCaDigest(upstream, checked.readFile)),
    limits: resolveLimits(env, authenticates && !given.has('RATE_LIMIT_KEY')),
    identities,
    redis,
    jobs: resolveJobs(env, checked.readFile, redis),
    backups: resolveBackups(env, checked.secretFiles),
    secretTexts: yaml?.secrets ?? [],
    demoUpstream: demoUpstream && env.JOBS !== 'only' && env.CONFIG_STORE === 'files',
    testFaults: env.GATEWAY_TEST_FAULTS,
    testNoHandles: env.GATEWAY_TEST_NO_HANDLES,
    testDnsServers: env.GATEWAY_TEST_DNS ?? [],
  };
}
