import { hostname } from 'node:os';
import { monotonicMs, wallClockMs } from '../shared/clock.ts';
import { formatProblems } from '../shared/config/problems.ts';
import type { Config } from '../shared/config/types.ts';
import { EXIT } from '../shared/exit-codes.ts';
import type { ExitCode } from '../shared/exit-codes.ts';
import { createLog } from '../shared/log.ts';
import type { Log } from '../shared/log.ts';
import { startedDirectly } from '../shared/started-directly.ts';
import { entryUrl } from '../shared/threads/worker-url.ts';
import { VERSION } from '../shared/version.ts';
import { createAcceptor } from './acceptor.ts';
import type { Acceptor } from './acceptor.ts';
import { adminRoutes } from './admin/routes.ts';
import { startAdminServer } from './admin/server.ts';
import type { AdminServer } from './admin/server.ts';
import { leave } from './leave.ts';
import { listenProblem, probeListen } from './listen-problem.ts';
import { loadConfig } from './load-config.ts';
import { onProcessEvents } from './process-events.ts';
import { Reload } from './reload.ts';
import type { ReloadOutcome } from './reload.ts';
import type { LoadedConfig } from './reload-plan.ts';
import { MetricMemory } from './metrics/metric-memory.ts';
import { RequestThreads, slotsFor } from './request-threads.ts';
import { Stop } from './stop.ts';
import { TrafficControl } from './traffic-control.ts';

const START_WITHIN_MS = 30_000;
/** So many failed starts in a row before the first thread serves: it is not going to. */
const FAILED_STARTS = 5;
/** Threads are stuck, or the front itself failed: a new process is what helps, so this one ends soon. */
const FAULT_STOP = { deadlineMs: 500, marginMs: 500, exitCode: EXIT.internal };

/** The gateway cannot start; the message is for the person who started it. */
class StartFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

function loadFirst(): LoadedConfig & { readonly warnings: string } {
  const result = loadConfig();
  if (result.ok) return { ...result.loaded, warnings: formatProblems(result.warnings) };
  throw new StartFailure(EXIT.badConfig, `invalid configuration\n${formatProblems(result.problems)}`);
}

async function openAcceptor({ tls, maxHeaderBytes }: Config['server']): Promise<Acceptor> {
  try {
    return await createAcceptor({ tls, maxHeaderBytes });
  } catch (error) {
    if (tls === undefined) throw error;
    throw new StartFailure(EXIT.badConfig, `TLS_CERT_FILE and TLS_KEY_FILE cannot be used: ${String(error)}`);
  }
}

async function openAdmin(
  server: Config['server'],
  parts: Pick<Parameters<typeof startAdminServer>[0], 'routes' | 'log'>,
) {
  const [host, port] = [server.adminHost, server.adminPort];
  try {
    return await startAdminServer({ host, port, ...parts });
  } catch (error) {
    const place = { host, port, hostSetting: 'ADMIN_HOST', portSetting: 'ADMIN_PORT' };
    throw new StartFailure(EXIT.portTaken, listenProblem(place, error));
  }
}

async function listen(acceptor: Acceptor, { host, port }: Config['server']): Promise<number> {
  const actual = acceptor.listen(host, port);
  if (actual !== undefined) return actual;
  const place = { host, port, hostSetting: 'HOST', portSetting: 'PORT' };
  throw new StartFailure(EXIT.portTaken, listenProblem(place, await probeListen(host, port)));
}

function url(scheme: 'http' | 'https', host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

async function compose(first: LoadedConfig, log: Log): Promise<void> {
  const { server } = first.config;
  const startedMs = monotonicMs();
  const reload = new Reload({ load: loadConfig, first, log, apply: (config) => configure(config) });
  const startedIso = new Date(wallClockMs()).toISOString();
  let port = server.port;
  const withRedis = first.config.redis !== undefined;
  const connect = withRedis ? (await import('../shared/redis/connect.ts')).connectRedis : undefined;
  const acceptor = await openAcceptor(server);
  const metrics = new MetricMemory(slotsFor(server.workers), first.config);
  // From here to the threads nothing is awaited: what Redis says in between is told to them.
  const control = new TrafficControl({
    config: first.config,
    log,
    connect,
    info: () => ({
      name: first.config.node.name,
      version: VERSION,
      started: startedIso,
      threads: server.workers,
      address: `${hostname()}:${port}`,
    }),
    send: (slot, message) => threads.tellSlot(slot, message),
    broadcast: (message) => threads.tellAll(message),
  });
  const configure = (config: Config): void => {
    metrics.configure(config);
    control.configure(config);
  };
  const threads = new RequestThreads({
    entry: entryUrl('workers/gateway/main'),
    workers: server.workers,
    active: () => reload.active(),
    ring: acceptor.ring,
    control,
    metrics,
    log,
    hopeless: () => {
      log.error('as many request threads are stuck as there should be: the process must be started again');
      void stop.drain({ ...FAULT_STOP, reason: 'stuck threads' });
    },
  });
  let admin: AdminServer | undefined;
  const stop = new Stop({
    acceptor,
    threads,
    log,
    closeAdmin: async () => admin?.close(),
    closeControl: () => control.close(),
  });
  const runReload = (): Promise<ReloadOutcome> => reload.run(threads);
  onProcessEvents({
    log,
    drain: (reason) => {
      const deadlineMs = reload.active().config.server.drainTimeoutMs;
      void stop.drain({ reason, deadlineMs, exitCode: EXIT.ok });
    },
    force: () => void stop.force(),
    reload: () => void (stop.begun ? undefined : runReload()),
    fault: (error) => {
      log.fatal({ err: error }, 'the front failed');
      void stop.drain({ ...FAULT_STOP, reason: 'fault' });
    },
  });

  const status = (): unknown => ({
    version: VERSION,
    uptimeSeconds: Math.round((monotonicMs() - startedMs) / 1000),
    configVersion: reload.active().version,
    liveNodes: control.liveNodes,
    threads: threads.status(),
    breakers: control.breakers(),
  });
  const token = (): string | undefined => reload.active().config.server.adminToken;
  admin = await openAdmin(server, { routes: adminRoutes({ token, status, reload: runReload }), log });

  const serving = (): number => threads.all().filter(({ state }) => state.kind === 'serving').length;
  const settled = (): boolean => stop.begun || serving() >= server.workers || threads.failures >= FAILED_STARTS;
  await threads.until(settled, START_WITHIN_MS);
  if (stop.begun) return;
  if (serving() < server.workers)
    throw new StartFailure(EXIT.internal, 'the request threads do not start; the log says why');

  port = await listen(acceptor, server);
  const scheme = server.tls === undefined ? 'http' : 'https';
  const adminPort = admin.port;
  log.info(
    {
      url: url(scheme, server.host, port),
      adminUrl: url('http', server.adminHost, adminPort),
      port,
      adminPort,
      threads: server.workers,
      version: VERSION,
      configVersion: reload.active().version,
    },
    'gateway ready',
  );
  process.send?.({ type: 'ready', port, adminPort });
}

/**
 * Runs the front in this process until it is stopped: reads the configuration, starts the request threads, opens the
 * ports, and owns the process's signals and exit code (src/shared/exit-codes.ts).
 */
export async function startFront(): Promise<void> {
  process.on('SIGHUP', () => {}); // before there is something to reload it must not end the process
  let log: Log | undefined;
  try {
    const first = loadFirst();
    log = createLog({ level: first.config.logLevel, name: 'front' });
    if (first.warnings !== '') log.warn({ warnings: first.warnings.split('\n') }, 'configuration warnings');
    await compose(first, log);
  } catch (error) {
    const expected = error instanceof StartFailure;
    const text = expected
      ? error.message
      : `cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    process.stderr.write(`gateway: ${text}\n`);
    const code = expected ? error.exitCode : EXIT.internal;
    // No port was opened to clients, so no thread holds a socket and exit is safe.
    if (log === undefined) process.exit(code);
    await leave(code, { threadsLeft: false, log });
  }
}

if (startedDirectly(import.meta.url)) await startFront();
