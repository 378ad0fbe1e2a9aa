/**
 * The configuration as the rest of the gateway sees it: resolved, validated, frozen, plain data
 * (it is sent to the request threads by structured clone). Every duration is in milliseconds here, whatever its
 * unit was outside.
 */

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  /** Number of request threads. */
  readonly workers: number;
  /** A keep-alive connection with nothing to do is closed after this. */
  readonly idleTimeoutMs: number;
  /** How long a drain waits for exchanges in flight. */
  readonly drainTimeoutMs: number;
  /** Bytes of request line and header fields together, above which a request gets 431. */
  readonly maxHeaderBytes: number;
  /** Open client connections per thread. */
  readonly maxConnections: number;
  /** Exchanges in flight per thread. */
  readonly maxInFlight: number;
  readonly tls: TlsFiles | undefined;
  /** CIDRs or addresses whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly string[];
  /** Secret; `undefined` = changes through the admin port only from loopback. */
  readonly adminToken?: string | undefined;
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
  /** Upper-case; `undefined` = every method the gateway forwards. */
  readonly methods: readonly string[] | undefined;
  /** Lower-case host without port; `undefined` = any. `*.example.com` matches one or more labels. */
  readonly host: string | undefined;
  readonly upstream: string;
  /** Take `path` off the front of what is forwarded. */
  readonly stripPrefix: boolean;
  /** Send the client's Host instead of the target's. */
  readonly preserveHost: boolean;
  readonly timeouts: TimeoutsConfig;
  readonly maxBodyBytes: number;
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
  readonly tls: UpstreamTlsConfig;
}

export interface TargetConfig {
  /** Canonical origin, such as `http://127.0.0.1:5001`. */
  readonly origin: string;
  readonly secure: boolean;
  /** Name or address without brackets, as node:net takes it. */
  readonly host: string;
  readonly port: number;
  /** Path put in front of every forwarded path; `''` or starts with `/` and does not end with it. */
  readonly basePath: string;
}

export interface UpstreamTlsConfig {
  readonly caFile: string | undefined;
  /** SNI and name to verify; default: the target's host. */
  readonly serverName: string | undefined;
  /** `false` turns certificate checks off. */
  readonly verify: boolean;
}

export interface Config {
  readonly server: ServerConfig;
  readonly logLevel: LogLevel;
  readonly accessLog: AccessLogConfig;
  readonly routes: readonly RouteConfig[];
  readonly upstreams: readonly UpstreamConfig[];
  /** `true` when neither UPSTREAM_URL nor GATEWAY_CONFIG names an upstream: the demo upstream is started. */
  readonly demoUpstream: boolean;
  /** Fault hooks for the killing drills; only tests set it (GATEWAY_TEST_FAULTS=on). */
  readonly testFaults: boolean;
}
