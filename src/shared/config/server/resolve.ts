import { defaultMaxConnections } from '../../net/open-files.ts';
import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import { resolveTls } from '../tls/resolve.ts';
import type { ServerConfig } from '../types.ts';
import type { Machine } from './machine.ts';

/** What systemd hands over starts here (sd_listen_fds). */
const FIRST_INHERITED = 3;

export function resolveServer(
  env: EnvValues,
  { openFilesLimit, pids }: Machine,
  stateDir: string | undefined,
): ServerConfig {
  return {
    front: env.FRONT,
    host: env.HOST,
    port: env.PORT,
    adminHost: env.ADMIN_HOST,
    adminPort: env.ADMIN_PORT,
    adminToken: env.ADMIN_TOKEN,
    adminUi: env.ADMIN_UI,
    stateDir,
    workers: env.JOBS === 'only' ? 0 : env.WORKERS,
    idleTimeoutMs: toMs(env.IDLE_TIMEOUT_SECONDS),
    drainDelayMs: toMs(env.DRAIN_DELAY_SECONDS),
    drainTimeoutMs: toMs(env.DRAIN_TIMEOUT_SECONDS),
    maxHeaderBytes: env.MAX_HEADER_BYTES,
    maxHeaderCount: env.MAX_HEADER_COUNT,
    maxConnections: env.MAX_CONNECTIONS ?? defaultMaxConnections(openFilesLimit, env.WORKERS),
    maxConnectionsPerIp: env.MAX_CONNECTIONS_PER_IP,
    connectionRatePerIp: env.CONNECTION_RATE_PER_IP,
    halfCloseMs: toMs(env.HALF_CLOSE_SECONDS),
    forwardInformational: env.FORWARD_INFORMATIONAL,
    mergeSlashes: env.MERGE_SLASHES,
    debugHeaders: env.DEBUG_HEADERS,
    passesAmbiguousFields: env.AMBIGUOUS_FIELDS === 'pass',
    uwsChunked: env.UWS_CHUNKED,
    maxInFlight: env.MAX_IN_FLIGHT,
    shedLoopLagMs: env.SHED_LOOP_LAG_MILLISECONDS,
    maxStreams: env.MAX_STREAMS,
    maxWebSockets: env.WEBSOCKET_MAX_CONNECTIONS,
    maxInFlightPerClient: env.MAX_IN_FLIGHT_PER_CLIENT,
    tls: resolveTls(env),
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    inheritedSocket: (env.LISTEN_FDS ?? 0) > 0 && pids.includes(env.LISTEN_PID ?? -1) ? FIRST_INHERITED : undefined,
    proxyProtocol: env.PROXY_PROTOCOL,
  };
}
