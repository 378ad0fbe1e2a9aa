import type { RouteAuthorizationConfig } from './authorize/types.ts';
import type { IdentitiesConfig, RouteAuthenticationConfig } from './identity/types.ts';
import type { BackupsConfig } from './backups/types.ts';
import type { BreakerMode, BreakerRule, BreakerWindow } from '../breaker/rule.ts';
import type { ClientKeySource } from '../limits/client-key.ts';
import type { RetriesConfig, RetryBudgetConfig } from './retries/types.ts';
import type { MirrorConfig } from './mirror/types.ts';
import type { PriorityName } from '../overload/priority.ts';
import type { SplitSideConfig } from './split/types.ts';
import type { MatchConfig, RouteRulesConfig } from './rules/types.ts';
import type { SourceConfig } from './source/types.ts';
import type { RateLimitHeaderMode } from '../limits/rate-limit-headers.ts';
import type { OnStoreFailure, RuleSpec } from '../limits/rule.ts';

/**
 * The configuration as the rest of the gateway sees it: resolved, validated, frozen, plain data
 * (it is sent to the request threads by structured clone). Every duration is in milliseconds here, whatever its
 * unit was outside.
 */

/** What accepts connections and frames HTTP on them: our own front on libuv's handles, or uWebSockets.js. */
export type FrontKind = 'native' | 'uws';

export interface ServerConfig {
  readonly front: FrontKind;
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  /** Number of request threads; 0 where there is no port for clients (JOBS=only). */
  readonly workers: number;
  /** A keep-alive connection with nothing to do is closed after this. */
  readonly idleTimeoutMs: number;
  /** How long new connections are still served after a stop was asked for, while `/ready` says no; before the drain. */
  readonly drainDelayMs: number;
  /** How long a drain waits for exchanges in flight. */
  readonly drainTimeoutMs: number;
  /** Bytes of request line and header fields together, above which a request gets 431. */
  readonly maxHeaderBytes: number;
  /** Header fields of a request, above which it gets 431. */
  readonly maxHeaderCount: number;
  /** Open client connections of the process. */
  readonly maxConnections: number;
  /** Open connections of one address; 0 = no limit. */
  readonly maxConnectionsPerIp: number;
  /** New connections per second of one address, and five times as many at once; 0 = no limit. */
  readonly connectionRatePerIp: number;
  /** How long a client that has sent its end may wait for the header of its answer. */
  readonly halfCloseMs: number;
  /** 102 and 103 of an upstream reach clients that speak HTTP/1.1. */
  readonly forwardInformational: boolean;
  /** Routes are looked for as if `//` in a path were `/`; what is forwarded keeps it. */
  readonly mergeSlashes: boolean;
  /** Answers say how often their request was sent, where that is more than once. */
  readonly debugHeaders: boolean;
  /** Request fields with names that some readers take for others (shared/http/ambiguous-name.ts) are not dropped. */
  readonly passesAmbiguousFields: boolean;
  /** The uws front takes chunked request bodies, which it reads wrongly where they have extensions or trailers. */
  readonly uwsChunked: boolean;
  /** Exchanges in flight per thread. */
  readonly maxInFlight: number;
  /** What one client may have under way: all but what others want, anything, or so many exchanges per thread at most. */
  readonly maxInFlightPerClient: 'fair' | 'off' | number;
  /** A thread whose ticks come later than this for a second refuses a share of its requests; 0 = never. */
  readonly shedLoopLagMs: number;
  /** Answers per thread that may stream for long without counting as connections of their upstream. */
  readonly maxStreams: number;
  /** Open WebSockets of the process. */
  readonly maxWebSockets: number;
  /** Descriptor of a socket that listens already, used in place of host and port. */
  readonly inheritedSocket: number | undefined;
  readonly tls: TlsConfig | undefined;
  /** CIDRs or addresses whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly string[];
  /** Connections from `trustedProxies` start with a PROXY header. */
  readonly proxyProtocol: boolean;
  /** Secret; `undefined` = one that the gateway makes itself, in `stateDir`. */
  readonly adminToken?: string | undefined;
  /** The operator's page; `undefined`: on where there is an `adminToken`, else read-only. */
  readonly adminUi: 'on' | 'off' | 'read-only' | undefined;
  /** Absolute; what outlives the process is kept there. `undefined`: there is no such folder for this user. */
  readonly stateDir: string | undefined;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** TLS with clients. */
export interface TlsConfig {
  /** At least one; the first is the default, the others serve the names they are for. */
  readonly certificates: readonly TlsFiles[];
  /** Oldest that is spoken. */
  readonly minVersion: TlsVersion;
  /** OpenSSL's list, those of TLS 1.3 included. */
  readonly ciphers: string;
  readonly handshakeTimeoutMs: number;
  /** Handshakes under way, per thread. */
  readonly maxHandshakes: number;
  /** `undefined` = random keys of the process. */
  readonly ticketKeysFile: string | undefined;
  /** Who has issued the certificates of clients; `undefined` = clients are not asked for one. */
  readonly clientCaFile: string | undefined;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Which exchanges get a line: all, none, or every failure and one in `oneIn` of the rest. */
export type AccessLogConfig =
  | { readonly kind: 'on' }
  | { readonly kind: 'off' }
  | { readonly kind: 'sampled'; readonly oneIn: number };

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface TimeoutsConfig {
  /** TCP (and TLS) handshake with a target. */
  readonly connectMs: number;
  /** From the request being sent whole to the end of the answer's header. */
  readonly headersMs: number;
  /** Longest silence inside a body, either way. */
  readonly bodyIdleMs: number;
  /** A request's body, from the request's header to its last byte; 0 = no limit. */
  readonly uploadMs: number;
  /** The whole exchange; 0 = no limit. */
  readonly totalMs: number;
}

export interface RouteConfig {
  /** Unique; the metric label and the log's `route`. */
  readonly name: string;
  /** Normalised path, starts with `/`. */
  readonly path: string;
  /** `true`: only this path; `false`: this path and everything below it. */
  readonly exact: boolean;
  /** The case of letters in a path does not matter. */
  readonly ignoreCase: boolean;
  /** An exact path is taken with a slash at its end and without. */
  readonly ignoreTrailingSlash: boolean;
  /** Upper-case; GET stands for HEAD too. `undefined` = every method the gateway forwards. */
  readonly methods: readonly string[] | undefined;
  /** Lower-case host without port; `undefined` = any. `*.example.com` matches one or more labels. */
  readonly host: string | undefined;
  /** `undefined` = any request. */
  readonly match: MatchConfig | undefined;
  /** `undefined` = none: the gateway answers itself. */
  readonly upstream: string | undefined;
  /** All upstreams that its requests are divided among, with `upstream` first; `undefined` = they are not. */
  readonly split: readonly SplitSideConfig[] | undefined;
  /** `undefined` = no copies are made. */
  readonly mirror: MirrorConfig | undefined;
  /** `undefined` = it only forwards. */
  readonly rules: RouteRulesConfig | undefined;
  /** Take `path` off the front of what is forwarded. */
  readonly stripPrefix: boolean;
  /** Send the client's Host instead of the target's. */
  readonly preserveHost: boolean;
  readonly timeouts: TimeoutsConfig;
  /** `undefined` = nothing is repeated but what always is: see UpstreamCall. */
  readonly retries: RetriesConfig | undefined;
  /** `undefined` = what the profile of its caller says, else normal. */
  readonly priority: PriorityName | undefined;
  /** Of the query, without the `?`. */
  readonly maxQueryBytes: number;
  readonly maxBodyBytes: number;
  /** Of the body of an upstream's answer; 0 = no limit. */
  readonly maxResponseBytes: number;
  /** `undefined` = not limited. */
  readonly limits: RouteLimitsConfig | undefined;
  /** `undefined` = whoever asks. */
  readonly authentication: RouteAuthenticationConfig | undefined;
  /** Whom it asks whether a request may pass; `undefined` = nobody. */
  readonly authorization: RouteAuthorizationConfig | undefined;
  /** Lower-case names of fields that only an authorizer may say to its upstream: those of clients are dropped. */
  readonly authorizedFields: readonly string[];
  /** In place of `limits` for consumers of these profiles; only where the route authenticates. */
  readonly profileLimits: readonly ProfileLimitsConfig[];
  /** `undefined` = Upgrade is ignored. */
  readonly websocket: WebSocketConfig | undefined;
}

export type OnMessageRefused = 'close' | 'pause';

/** How WebSockets pass on a route. */
export interface WebSocketConfig {
  /** Of all fragments, as sent. */
  readonly maxMessageBytes: number;
  /** Longest time without any frame of either side; 0 = no limit. */
  readonly idleMs: number;
  /** Longest life; 0 = no limit. */
  readonly maxMs: number;
  /** A side of which nothing came for so long is pinged, and cut after twice as long; 0 = never. */
  readonly pingMs: number;
  /** The Origin that a handshake must have; `undefined` = any or none. */
  readonly origins: readonly string[] | undefined;
  /** What each message of a client pays, in the same buckets as requests; `undefined` = they are not limited. */
  readonly messageLimits: RouteLimitsConfig | undefined;
  /** A message without tokens ends the WebSocket, or waits for them with all that is behind it. */
  readonly onMessageRefused: OnMessageRefused;
}

export interface RouteLimitsConfig {
  /** At least one, with names that differ; all must grant. The name `''` is the client's default bucket. */
  readonly rules: readonly RuleSpec[];
  /** Tokens per request, at least 1. */
  readonly cost: number;
  readonly onStoreFailure: OnStoreFailure;
  /** Decide, count and log, but let pass. */
  readonly shadow: boolean;
  /** Tokens that a thread may take ahead for a busy client; 0 = off. */
  readonly leaseTokens: number;
}

/** How a route limits consumers of a profile: by its buckets and the route's own. */
export interface ProfileLimitsConfig {
  readonly profile: string;
  readonly limits: RouteLimitsConfig;
}

/** What holds for the limits of every route. */
export interface LimitsConfig {
  /** What names a client: the first source that a request has. At least one; `ip` can only be the last. */
  readonly key: readonly ClientKeySource[];
  /** Leading bits of an IPv6 address that are one client, 1 to 128. */
  readonly ipv6Prefix: number;
  readonly allowlist: AllowlistConfig;
  readonly headers: RateLimitHeaderMode;
  /** How long requests gather while an earlier batch is under way; a fraction of a millisecond is usual. */
  readonly batchMaxWaitMs: number;
  /** Longest wait for a decision while Redis is quick, and how far it adapts to one that is slower. */
  readonly timeoutMs: number;
  readonly timeoutMaxMs: number;
  /** Clients that may have buckets, about; also buckets in which the node may owe tokens that it granted without Redis. */
  readonly maxClients: number;
}

/** Who is never limited. */
export interface AllowlistConfig {
  /** Addresses and CIDR blocks. */
  readonly cidrs: readonly string[];
  /** Everything else in RATE_LIMIT_ALLOWLIST, as written. Secret: they may be API keys. */
  readonly keys: readonly string[];
}

export interface UpstreamConfig {
  readonly name: string;
  readonly targets: readonly TargetConfig[];
  /** Connections per target and thread. */
  readonly connections: number;
  /** Requests that may wait for a connection, per upstream and thread; above it 503. */
  readonly queue: number;
  /** An idle connection is closed after this. */
  readonly idleMs: number;
  /** A connection carries no further exchange after this, so that changes of the address are followed; 0 = no limit. */
  readonly maxAgeMs: number;
  /** Most requests outstanding on one connection; 1 = no pipelining. */
  readonly pipelining: number;
  /** Of the header of an answer, from its status line to the empty line. */
  readonly maxHeaderBytes: number;
  readonly tls: UpstreamTlsConfig;
  readonly breaker: BreakerConfig;
  /** `undefined` = its targets are not probed. */
  readonly health: HealthConfig | undefined;
  /** When one of its targets gets no requests for a while; `undefined` = never. */
  readonly ejection: EjectionConfig | undefined;
  /** A target that is new among others, or back, comes to its full share within this; 0 = at once. */
  readonly slowStartMs: number;
  /** Every address of a name is a target, looked up this often; 0 = a name is one target. */
  readonly resolveAllMs: number;
  /** What keeps requests on one target; `undefined` = nothing: the less loaded of two. */
  readonly balance: BalanceConfig | undefined;
  readonly retryBudget: RetryBudgetConfig;
  /** Requests of the node that may be under way there, until the header of the answer; 0 = no limit. */
  readonly concurrency: number;
}

/** By what requests that belong together go to one target. */
export type BalanceConfig =
  | { readonly kind: 'consumer' | 'ip' }
  /** A header's name in lower case, a cookie's as it is. */
  | { readonly kind: 'header' | 'cookie'; readonly name: string };

/** When a target that keeps failing is left out, and for how long. */
export interface EjectionConfig {
  /** shadow: it is counted and logged, and the target goes on being used. */
  readonly mode: 'on' | 'shadow';
  /** Failures in a row, at least 1. */
  readonly consecutive: number;
  /** How long the first ejection lasts; the n-th lasts n times as long, within bounds. */
  readonly baseMs: number;
  /** Of the targets that may be ejected at a time, 0 to 100. */
  readonly maxPercent: number;
}

/** How the targets of an upstream are probed. */
export interface HealthConfig {
  /** Behind the base path of each target; may have a query. */
  readonly path: string;
  readonly intervalMs: number;
  /** For one probe, from looking up the name to the end of the answer; at most the interval. */
  readonly timeoutMs: number;
  /** So many good answers in a row bring a target back. */
  readonly healthy: number;
  /** So many failures in a row take it out. */
  readonly unhealthy: number;
  /** What a good answer says; at least one. */
  readonly statuses: readonly StatusRange[];
}

/** Both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface BreakerConfig {
  readonly mode: BreakerMode;
  readonly rule: BreakerRule;
  readonly window: BreakerWindow;
  /** Statuses of the upstream that are failures; different ones, 500 to 599. */
  readonly statuses: readonly number[];
  /** A good answer that took longer is slow; 0 = none is. */
  readonly slowMs: number;
  /** Who may end an opening before its time: nobody, or the probes of `health`. */
  readonly probe: BreakerProbe;
}

/** What finds out whether an upstream is well again: requests alone, or probes of its targets first. */
export type BreakerProbe = 'requests' | 'health';

export interface TargetConfig {
  /** Canonical origin, such as `http://127.0.0.1:5001`. */
  readonly origin: string;
  readonly secure: boolean;
  /** Where connections go, of a target that is one address of a name; `host` stays its name. Absent: to `host`. */
  readonly address?: string;
  /** Address without brackets, or name; one with a dot at the end is looked up without the search list. */
  readonly host: string;
  readonly port: number;
  /** Share of requests beside those of the others, 0 to 100; 0 = none new. Absent: 1. */
  readonly weight?: number;
  /** Path put in front of every forwarded path; `''` or starts with `/` and does not end with it. */
  readonly basePath: string;
}

export interface UpstreamTlsConfig {
  readonly caFile: string | undefined;
  /** Of what is in it: with another one connections are made anew. `undefined` = nothing is. */
  readonly caDigest?: string;
  /** SNI and name to verify; default: the target's host. */
  readonly serverName: string | undefined;
  /** `false` turns certificate checks off. */
  readonly verify: boolean;
}

export type RedisMode = 'standalone' | 'sentinel' | 'cluster';

export interface RedisConfig {
  /** For people and for clients that take a URL: without user name and password; in a list with commas if several. */
  readonly url: string;
  readonly mode: RedisMode;
  /** The same as data: the one server, or some Sentinels, or some nodes of the cluster. At least one. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  /** Number of the logical database; 0 in a cluster. */
  readonly database: number;
  /** From REDIS_USERNAME or the URL; never without a password. */
  readonly username: string | undefined;
  /** Secret. From REDIS_PASSWORD or the URL. */
  readonly password: string | undefined;
  /** Certificates to trust instead of the system's; only with `tls`. */
  readonly tlsCaFile: string | undefined;
  /** Its content. */
  readonly tlsCa: string | undefined;
  /** Name of the primary; set exactly when `mode` is `sentinel`. */
  readonly sentinelMaster: string | undefined;
  /** Of the Sentinels; only with their password. */
  readonly sentinelUsername: string | undefined;
  /** Secret. Of the Sentinels; only where `mode` is `sentinel`. */
  readonly sentinelPassword: string | undefined;
}

/** `only`: jobs and the admin port, nothing for clients. */
export type JobsMode = 'on' | 'off' | 'only';

export interface JobsConfig {
  readonly mode: JobsMode;
  /** Through which the nodes share the jobs out; `undefined` = every process for itself. */
  readonly redis: RedisConfig | undefined;
}

/** This process among those that share a Redis. */
export interface NodeConfig {
  /** Letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
}

export interface Config {
  readonly node: NodeConfig;
  readonly server: ServerConfig;
  readonly source: SourceConfig;
  readonly logLevel: LogLevel;
  readonly accessLog: AccessLogConfig;
  readonly routes: readonly RouteConfig[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly limits: LimitsConfig;
  readonly identities: IdentitiesConfig;
  /** `undefined` = every process for itself. */
  readonly redis: RedisConfig | undefined;
  readonly jobs: JobsConfig;
  readonly backups: BackupsConfig;
  /** What `${…}` in the YAML stands for, where that is secret. */
  readonly secretTexts: readonly string[];
  /** `true` when neither UPSTREAM_URL nor GATEWAY_CONFIG names an upstream: the demo upstream is started. */
  readonly demoUpstream: boolean;
  /** Fault hooks for the killing drills; only tests set it (GATEWAY_TEST_FAULTS=on). */
  readonly testFaults: boolean;
  /** As if Node's own handles were missing; only tests set it (GATEWAY_TEST_NO_HANDLES=on). */
  readonly testNoHandles: boolean;
  /** DNS servers in place of the system's; only tests set them (GATEWAY_TEST_DNS). */
  readonly testDnsServers: readonly string[];
}
