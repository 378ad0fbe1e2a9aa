import { availableParallelism } from 'node:os';
import { parseDnsServer, parseListenHost, parseNetwork } from './addresses.ts';
import { BACKUPS_ENV } from './backups/env.ts';
import { BREAKER_ENV } from './breaker/env.ts';
import { JOBS_ENV } from './jobs/env.ts';
import { IDENTITY_ENV } from './identity/env.ts';
import { LIMITS_ENV } from './limits/env.ts';
import { HEALTH_ENV } from './health/env.ts';
import { IP_ENV } from './rules/ip-fields.ts';
import { TARGET_ENV } from './targets/env.ts';
import { OVERLOAD_ENV } from './overload/env.ts';
import { RETRY_ENV } from './retries/env.ts';
import { REDIS_ENV } from './redis/env.ts';
import { SOURCE_ENV } from './source/env.ts';
import { TLS_ENV } from './tls/env.ts';
import { WEBSOCKET_ENV } from './websocket/env.ts';
import { optional, secret, withDefault } from './env-variable.ts';
import type { EnvVariable } from './env-variable.ts';
import { BOUNDS, secondsText, wholeNumberText } from './numbers.ts';
import {
  absoluteFolder,
  accessLog,
  fileList,
  front,
  inFlightPerClient,
  logLevel,
  onOff,
  oneOf,
  targetList,
  token,
} from './parsers.ts';
import { fromText, listOf } from './parsed.ts';
import { ADMIN_UI_MODES, AMBIGUOUS_FIELDS } from './words.ts';

const listenHost = fromText(parseListenHost);
const listenPort = wholeNumberText(BOUNDS.listenPort);
const listenFds = wholeNumberText({ min: 0, max: 1024 });
const processId = wholeNumberText({ min: 0, max: 2 ** 31 - 1 });
const secondsOf = secondsText(BOUNDS.seconds);
const threads = Math.min(availableParallelism(), BOUNDS.workers.max);

/** Every variable the gateway reads, in the order the documentation shows them. */
export const ENV = {
  PORT: withDefault(listenPort, '5000', 'Port for clients; 0 takes a free one.'),
  HOST: withDefault(listenHost, '0.0.0.0', 'Address to listen on for clients.'),
  ADMIN_PORT: withDefault(listenPort, '9901', 'Port of metrics and the admin API; 0 takes a free one.'),
  ADMIN_HOST: withDefault(listenHost, '127.0.0.1', 'Address of the admin port.'),
  ADMIN_TOKEN: secret(
    token,
    'Token for the admin API; without it the gateway makes one, in a file of STATE_DIR that only its user reads.',
  ),
  ADMIN_UI: optional(
    oneOf(ADMIN_UI_MODES),
    "The operator's page under /admin/ui/ of the admin port: on, read-only (nobody can sign in there), or off. " +
      'Default: on with ADMIN_TOKEN, else read-only.',
  ),
  STATE_DIR: optional(
    absoluteFolder,
    'Folder for what outlives the process, such as the admin token. Default: /var/lib/resilient-api-gateway as root, ' +
      'else resilient-api-gateway in $XDG_STATE_HOME or ~/.local/state.',
  ),
  FRONT: withDefault(front, 'native', 'What serves the client port: native or uws (uWebSockets.js).'),
  WORKERS: withDefault(wholeNumberText(BOUNDS.workers), String(threads), 'Request threads; default one per CPU.'),
  IDLE_TIMEOUT_SECONDS: withDefault(
    secondsText(BOUNDS.idleSeconds),
    '65',
    'A client connection with nothing to do is closed after this.',
  ),
  HALF_CLOSE_SECONDS: withDefault(
    secondsOf,
    '5',
    'How long a client that has shut down its sending side may wait for the header of its answer.',
  ),
  FORWARD_INFORMATIONAL: withDefault(
    onOff,
    'on',
    "An upstream's 102 and 103 reach HTTP/1.1 clients; off for clients that take them for the answer. FRONT=native only.",
  ),
  MERGE_SLASHES: withDefault(onOff, 'off', 'Look for routes as if // in a path were /; it is forwarded as sent.'),
  AMBIGUOUS_FIELDS: withDefault(
    oneOf(AMBIGUOUS_FIELDS),
    'drop',
    'Request fields with names of more than letters, digits and -, such as X_Api_Key, which many upstreams take for ' +
      'X-Api-Key: drop, or pass all but those that look like a field the gateway reads itself.',
  ),
  UWS_CHUNKED: withDefault(
    onOff,
    'off',
    'FRONT=uws takes chunked request bodies, though uWebSockets.js misreads legal ones; off: 411.',
  ),
  DRAIN_DELAY_SECONDS: withDefault(
    secondsText({ min: 0, max: 600 }, 'none'),
    '0',
    'After SIGTERM /ready says 503 and new connections are still served for this long, so that a load balancer can turn ' +
      'away; then the drain begins. 8 fits the default check of HAProxy.',
  ),
  DRAIN_TIMEOUT_SECONDS: withDefault(
    secondsText({ ...BOUNDS.seconds, min: 0 }, 'it does not wait'),
    '30',
    'How long a stop waits for exchanges in flight; 0 does not wait.',
  ),
  MAX_CONNECTIONS: optional(
    wholeNumberText(BOUNDS.count),
    'Open client connections of the process; when they are full those go first, of the address that has most, that are idle ' +
      'or wait for their client: a handshake, the rest of a body, the end. Default: half of the limit of open files less a ' +
      'reserve, at most 20000 per thread.',
  ),
  MAX_CONNECTIONS_PER_IP: withDefault(
    wholeNumberText(BOUNDS.countOrNone),
    '0',
    'Open connections of one address (IPv6: one /64), TRUSTED_PROXIES excepted; 0 = no limit. Only FRONT=native.',
  ),
  CONNECTION_RATE_PER_IP: withDefault(
    wholeNumberText(BOUNDS.countOrNone),
    '0',
    'New connections per second of one address, and five times as many at once; those beyond it get 503 and are closed. As ' +
      'above; RATE_LIMIT_ALLOWLIST excepted too. 0 = no limit. Only FRONT=native.',
  ),
  MAX_IN_FLIGHT: withDefault(wholeNumberText(BOUNDS.count), '4096', 'Exchanges in flight per thread; above it 503.'),
  MAX_IN_FLIGHT_PER_CLIENT: withDefault(
    inFlightPerClient,
    'fair',
    'fair: one client (address; IPv6: one /64) takes what others leave of the connections to an upstream; off: first ' +
      'come, first served; a number: fair, and at most so many exchanges of a client per node, above it 429. ' +
      'TRUSTED_PROXIES and RATE_LIMIT_ALLOWLIST excepted.',
  ),
  MAX_STREAMS: withDefault(
    wholeNumberText(BOUNDS.count),
    '4096',
    'Answers per thread that have streamed for more than 10 s: up to so many have left UPSTREAM_CONNECTIONS, those beyond ' +
      'it stay there.',
  ),
  MAX_HEADER_BYTES: withDefault(
    wholeNumberText(BOUNDS.headerBytes),
    '16384',
    'Request line and header fields together; above it 431.',
  ),
  MAX_HEADER_COUNT: withDefault(
    wholeNumberText(BOUNDS.headerCount),
    '100',
    'Header fields of a request; above it 431. FRONT=uws takes no more than 98 in any case.',
  ),
  MAX_QUERY_BYTES: withDefault(
    wholeNumberText(BOUNDS.queryBytes),
    '8192',
    'Longest query of a request, without the ?; above it 414.',
  ),
  MAX_BODY_BYTES: withDefault(wholeNumberText(BOUNDS.bodyBytes), '10485760', 'Largest request body; above it 413.'),
  MAX_RESPONSE_BYTES: withDefault(
    wholeNumberText(BOUNDS.bodyBytes),
    '0',
    "Largest body of an upstream's answer; one that says so is 502, another is cut. 0 = no limit.",
  ),
  CONNECT_TIMEOUT_SECONDS: withDefault(secondsOf, '5', 'TCP and TLS handshake with a target.'),
  RESPONSE_HEADERS_TIMEOUT_SECONDS: withDefault(
    secondsOf,
    '30',
    "From the request being sent whole to the end of the answer's header.",
  ),
  BODY_IDLE_TIMEOUT_SECONDS: withDefault(secondsOf, '30', 'Longest silence inside a body, either way.'),
  UPLOAD_TIMEOUT_SECONDS: withDefault(
    secondsText(BOUNDS.secondsOrNone),
    '3600',
    'A request body, to its last byte; 0 = no limit. It must come at 64 bytes a second in any case.',
  ),
  TOTAL_TIMEOUT_SECONDS: withDefault(secondsText(BOUNDS.secondsOrNone), '0', 'The whole exchange; 0 = no limit.'),
  ...WEBSOCKET_ENV,
  ...TLS_ENV,
  TRUSTED_PROXIES: optional(
    fromText(listOf(parseNetwork)),
    'Addresses and CIDR blocks, comma-separated, whose X-Forwarded-* is believed; default none.',
  ),
  ...IP_ENV,
  PROXY_PROTOCOL: withDefault(
    onOff,
    'off',
    'Connections from TRUSTED_PROXIES must start with a PROXY header, version 1 or 2; needs FRONT=native.',
  ),
  UPSTREAM_URL: optional(
    targetList,
    'Where /proxy goes; several targets separated by commas. A path in it is put before every forwarded path.',
  ),
  UPSTREAM_CONNECTIONS: withDefault(
    wholeNumberText(BOUNDS.connections),
    '128',
    'Connections per target and request thread.',
  ),
  UPSTREAM_QUEUE: withDefault(
    wholeNumberText(BOUNDS.queue),
    '1024',
    'Requests that may wait for a connection, per upstream and thread; above it 503.',
  ),
  UPSTREAM_IDLE_TIMEOUT_SECONDS: withDefault(
    secondsOf,
    '4',
    'An idle upstream connection is closed after this. Keep it below what the upstream waits (Node servers: 5 s), ' +
      'else it closes a connection just as a request is sent on it.',
  ),
  UPSTREAM_PIPELINING: withDefault(
    wholeNumberText(BOUNDS.pipelining),
    '1',
    'Requests without a body (GET, HEAD, OPTIONS) that may be outstanding on one upstream connection. More than 1 only ' +
      'for upstreams one trusts to answer in order.',
  ),
  UPSTREAM_MAX_HEADER_BYTES: withDefault(
    wholeNumberText(BOUNDS.headerBytes),
    '65536',
    'Most bytes of the header of an answer; a larger one is refused with 502.',
  ),
  UPSTREAM_MAX_AGE_SECONDS: withDefault(
    secondsText(BOUNDS.secondsOrNone),
    '300',
    'An upstream connection carries no further request after this, so that changes of its address are followed; 0 = no limit.',
  ),
  ...LIMITS_ENV,
  ...IDENTITY_ENV,
  ...HEALTH_ENV,
  ...TARGET_ENV,
  ...RETRY_ENV,
  ...OVERLOAD_ENV,
  ...BREAKER_ENV,
  ...REDIS_ENV,
  ...JOBS_ENV,
  ...BACKUPS_ENV,
  LOG_LEVEL: withDefault(logLevel, 'info', 'Least severe level that is logged.'),
  ACCESS_LOG: withDefault(
    accessLog,
    'sampled:100',
    'A line per exchange: on, off, or sampled:N for every failure and one in N of the rest.',
  ),
  GATEWAY_CONFIG: optional(
    fileList,
    'YAML files with routes and upstreams, with commas between; of a folder its *.yaml. These variables stay the defaults.',
  ),
  ...SOURCE_ENV,
  GATEWAY_SUPERVISE: withDefault(onOff, 'on', 'A parent process restarts the gateway when it dies; off in containers.'),
  DEMO_UPSTREAM_PORT: withDefault(
    wholeNumberText(BOUNDS.port),
    '5001',
    'Port of the demo upstream, which is started when no upstream is configured.',
  ),
  LISTEN_FDS: optional(
    listenFds,
    'Set by systemd: sockets that listen already; the first is used in place of HOST and PORT.',
  ),
  LISTEN_PID: optional(processId, 'Set by systemd: the process that LISTEN_FDS is for.'),
  GATEWAY_SETUP: optional(
    onOff,
    'Whether npm start and the gateway command of a clone may install and build what is missing; default: not with NODE_ENV=production.',
  ),
  GATEWAY_TEST_FAULTS: withDefault(onOff, 'off', 'Fault hooks for the killing drills; only for tests.'),
  GATEWAY_TEST_NO_HANDLES: withDefault(onOff, 'off', "Does as if Node's own handles were missing; only for tests."),
  GATEWAY_TEST_DNS: optional(fromText(listOf(parseDnsServer)), 'DNS servers in place of the system; only for tests.'),
} as const;

export type EnvName = keyof typeof ENV;

export type EnvValues = {
  readonly [Name in EnvName]: (typeof ENV)[Name] extends EnvVariable<infer T> ? T : never;
};

/** Every name that may be set: the table, and `X_FILE` for each secret. */
export const ENV_NAMES: readonly string[] = Object.entries(ENV).flatMap(([name, variable]) =>
  variable.secret ? [name, `${name}_FILE`] : [name],
);
