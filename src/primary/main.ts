import { hostname } from 'node:os';
import { monotonicMs, wallClockMs } from '../shared/clock.ts';
import { formatProblems } from '../shared/config/problems.ts';
import type { Config } from '../shared/config/types.ts';
import { endOnStopSignals } from '../shared/early-stop.ts';
import { EXIT } from '../shared/exit-codes.ts';
import { createLog } from '../shared/log.ts';
import type { Log } from '../shared/log.ts';
import { openFilesLimit } from '../shared/net/open-files.ts';
import { startedDirectly } from '../shared/started-directly.ts';
import { entryUrl } from '../shared/threads/worker-url.ts';
import { VERSION } from '../shared/version.ts';
import { addReloadEvent, adminOperations } from './admin/compose.ts';
import { mayChangeOnPage, SESSIONS, Sessions } from './admin/server/sessions.ts';
import { AdminTokens } from './admin/token/admin-tokens.ts';
import { EventLog } from './events/event-log.ts';
import { EVENT_READERS, EventReaders } from './events/event-readers.ts';
import { leave } from './process/leave.ts';
import { composeBackups } from './backups/compose-backups.ts';
import { composeJobs } from './jobs/compose-jobs.ts';
import { ConfigSource } from './config/config-source.ts';
import { ConfigWatch } from './config/config-watch.ts';
import { listen, openAcceptor, openAdmin, originOf, StartFailure } from './process/open-ports.ts';
import { onProcessEvents } from './process/process-events.ts';
import { ConfigVersions } from './config/versions/config-versions.ts';
import { openVersions } from './config/versions/open-versions.ts';
import type { OpenedVersions } from './config/versions/open-versions.ts';
import { linesOf, Reload } from './config/reload.ts';
import { reloadReasons } from './config/reload-reasons.ts';
import type { ReloadOutcome } from './config/reload.ts';
import type { LoadedConfig } from './config/reload-plan.ts';
import { MetricMemory } from './metrics/metric-memory.ts';
import { startMetrics } from './metrics/start-metrics.ts';
import { RedisConnections } from './redis/redis-connections.ts';
import { RequestThreads, slotsFor } from './threads/request-threads.ts';
import { Stop } from './process/stop.ts';
import { TICKET_KEY_LIFE_MS } from './config/ticket-key-ring.ts';
import { ThreadSet } from './threads/thread-set.ts';
import { WebSocketRoom } from './threads/web-socket-room.ts';
import { DegradedReasons } from './traffic/degraded-reasons.ts';
import { TrafficControl } from './traffic/traffic-control.ts';
import { JwksControl } from './identity/jwks/jwks-control.ts';
import { KeyControl, openCopy } from './identity/keys/key-control.ts';
import { MaintenanceControl, openMaintenance } from './maintenance/maintenance-control.ts';
import { HealthControl } from './health/health-control.ts';
import { NameCache } from './names/name-cache.ts';
import { NameSources } from './names/name-sources.ts';
import { ResolvedTargets } from './upstreams/resolved-targets.ts';
import { splitAnswers } from './admin/operations/splits.ts';
import { SplitWeights } from './upstreams/split-weights.ts';
import { TargetDrains } from './upstreams/target-drains.ts';
import type { PageWatch } from './page/watch.ts';
import { ShedWatch } from './overload/shed-watch.ts';
import { ConcurrencyControl } from './upstreams/concurrency-control.ts';
import { UpstreamControl } from './upstreams/upstream-control.ts';

const START_WITHIN_MS = 30_000;
/** How long a Redis that does not answer holds up the start. */
const MAINTENANCE_WITHIN_MS = 500;
/** The same where nothing tells which configuration is in use: that of its files may be old, or none. */
const FIRST_VERSION_WITHIN_MS = 5_000;
/** So many failed starts in a row before the first thread serves: it is not going to. */
const FAILED_STARTS = 5;
/** Threads are stuck, or the front itself failed: a new process is what helps, so this one ends soon. */
const FAULT_STOP = { delayMs: 0, deadlineMs: 500, marginMs: 500, exitCode: EXIT.internal };

interface First extends LoadedConfig {
  readonly source: ConfigSource;
  readonly versions: OpenedVersions;
  readonly warnings: readonly string[];
}

function loadFirst(): First {
  const source = new ConfigSource();
  const versions = openVersions();
  const newest = versions.kept.toSorted((a, b) => b.version - a.version)[0];
  if (newest !== undefined) source.use(newest.files);
  const result = source.load();
  if (result.ok) return { ...result.loaded, source, versions, warnings: linesOf(result.warnings) };
  const from =
    newest === undefined ? '' : ` (version ${newest.version}, kept in ${versions.file?.path ?? 'STATE_DIR'})`;
  throw new StartFailure(EXIT.badConfig, `invalid configuration${from}\n${formatProblems(result.problems)}`);
}

/** Imported only where the configuration names a Redis: without one the front starts faster. */
async function redisConnections(
  { redis: config }: Config,
  { log, degraded, threads }: { readonly log: Log; readonly degraded: DegradedReasons; readonly threads: ThreadSet },
): Promise<RedisConnections | undefined> {
  if (config === undefined) return undefined;
  const { connectRedis: connect } = await import('../shared/redis/connect.ts');
  const { connectSubscriber } = await import('../shared/redis/connect-subscriber.ts');
  const onProblems = (problems: readonly string[]): void => degraded.set('redis', problems);
  const onDoubt = (): void => void threads.tellAll({ to: 'limits', type: 'doubt-store' });
  return new RedisConnections({ config, connect, connectSubscriber, log, onDoubt, onProblems });
}

async function compose(first: First, log: Log): Promise<void> {
  const { server } = first.config;
  const [startedAtMs, startedMs] = [wallClockMs(), monotonicMs()];
  const events = new EventLog({
    wallClockMs,
    onListenerError: (error) => log.error({ err: error }, 'a reader of events failed'),
  });
  const readers = new EventReaders({ log: events, ...EVENT_READERS });
  let port = server.port;
  let listening = false;
  let pageWatch: PageWatch | undefined;
  const threadSet = new ThreadSet();
  const degraded = new DegradedReasons(threadSet);
  // JOBS=only: who serves no clients shares no limits and breakers with the other nodes, and is only listed with them.
  const serves = first.config.jobs.mode !== 'only';
  const connections = await redisConnections(first.config, { log, degraded, threads: threadSet });
  const acceptor = await openAcceptor({
    config: first.config,
    slots: slotsFor(server.workers),
    log,
    events,
    send: (slot, message) => threadSet.tellSlot(slot, { to: 'front', ...message }),
    onDegraded: (reasons) => degraded.set('front', reasons),
  });
  const metrics = new MetricMemory(slotsFor(server.workers), first.config);
  const concurrency = new ConcurrencyControl(slotsFor(server.workers), first.config);
  const shed = new ShedWatch({ memory: metrics, front: acceptor });
  const backups = await composeBackups(first.config, log);
  const storesKeys = first.config.identities.apiKeys !== 'file';
  const copyOfMaintenance = await openMaintenance(server, log);
  const copyOfKeys = storesKeys ? await openCopy(server.stateDir, log) : undefined;
  // From here to the threads nothing is awaited: what Redis says in between is told to them.
  const control = new TrafficControl({
    config: first.config,
    log,
    events,
    connections,
    info: () => ({
      name: first.config.node.name,
      version: VERSION,
      started: new Date(startedAtMs).toISOString(),
      threads: server.workers,
      address: serves ? `${hostname()}:${port}` : '',
      vitals: pageWatch?.vitals(),
    }),
    threads: threadSet,
    degraded,
    keys: { onEvent: (event) => keys.onEvent(event) },
    maintenance: { hint: () => maintenance.book.hint() },
    drains: { onEvent: () => drains.onEvent() },
    versions: { hint: () => versions.hint() },
    splits: { onEvent: () => splits.onEvent() },
    health: { onEvent: (event) => health.onEvent(event), onDoubt: () => health.onDoubt() },
  });
  const sources = new NameSources({ servers: first.config.testDnsServers });
  const names = new NameCache({ find: (name) => sources.find(name) });
  const targetSets = new ResolvedTargets({
    names,
    log,
    events,
    onChange: (upstream, targets) => {
      health.retarget();
      threadSet.tellAll({ to: 'upstreams', type: 'targets', upstream, targets, places: health.places() });
    },
  });
  if (serves) targetSets.configure(first.config);
  let active = (): Config => first.config;
  const drains = new TargetDrains({
    redis: control.redis,
    isOfUse: () => active().upstreams.some(({ targets, resolveAllMs }) => targets.length > 1 || resolveAllMs > 0),
    onChange: (keys) => {
      threadSet.tellAll({ to: 'upstreams', type: 'drains', keys });
      health.onTargets();
    },
  });
  const splits = new SplitWeights({
    redis: control.redis,
    isOfUse: () => active().routes.some(({ split }) => split !== undefined),
    onChange: (weights) => threadSet.tellAll({ to: 'upstreams', type: 'splits', weights }),
  });
  const health = new HealthControl({
    config: first.config,
    log,
    events,
    redis: control.redis,
    names,
    targetSets: () => targetSets.current(),
    drains,
    serves,
    degraded,
    breakers: () => control.breakers(),
    endOpening: (upstream, epoch) => control.endOpening(upstream, epoch),
  });
  const keys = new KeyControl({
    isOn: storesKeys,
    redis: control.redis,
    copy: copyOfKeys,
    log,
    events,
    degraded,
    broadcast: (message) => threadSet.tellAll({ to: 'keys', ...message }),
    send: (slot, message) => threadSet.tellSlot(slot, { to: 'keys', ...message }),
  });
  const maintenance = new MaintenanceControl({
    redis: control.redis,
    copy: copyOfMaintenance,
    log,
    events,
    broadcast: (message) => threadSet.tellAll({ to: 'maintenance', ...message }),
  });
  const upstreams = new UpstreamControl({
    log,
    events,
    names,
    onEjection: () => health.onTargets(),
    send: (slot, message) => threadSet.tellSlot(slot, { to: 'upstreams', ...message }),
  });
  const jwks = new JwksControl({
    config: first.config,
    serves,
    stateDir: server.stateDir,
    log,
    events,
    names,
    degraded,
    tellAll: (message) => void threadSet.tellAll({ to: 'identity', ...message }),
    send: (slot, message) => threadSet.tellSlot(slot, { to: 'identity', ...message }),
  });
  const reload = new Reload({
    load: () => first.source.load(),
    first,
    warnings: first.warnings,
    log,
    tryRedis: async (config) => (await connections?.try(config)) ?? '',
    parts: [
      metrics,
      concurrency,
      control,
      { configure: (config) => targetSets.configure(config) },
      health,
      jwks,
      acceptor,
      backups,
      { configure: (config) => jobs.configure(config, health.jobs()) },
    ],
  });
  active = () => reload.active().config;
  const threads = new RequestThreads({
    entry: entryUrl('workers/gateway/main'),
    threads: threadSet,
    workers: server.workers,
    active: () => reload.active(),
    acceptor,
    control,
    metrics,
    upstreams,
    targetSets,
    concurrency,
    drains,
    splits,
    keys,
    maintenance,
    health,
    jwks,
    log,
    events,
  });
  let beginJobs = (): void => {};
  const after = new Promise<void>((resolve) => (beginJobs = resolve));
  const jobs = await composeJobs({
    config: first.config,
    jobs: [...backups.jobs, ...health.jobs()],
    log,
    events,
    degraded,
    after,
  });
  const socketRoom = new WebSocketRoom({
    open: () => threads.webSockets(),
    most: () => reload.active().config.server.maxWebSockets,
    onChange: (isFull, most) => {
      const text = isFull
        ? `${most} WebSockets are open, as many as may be (WEBSOCKET_MAX_CONNECTIONS): new ones get 503`
        : 'WebSockets can be opened again';
      if (isFull) log.warn(text);
      else log.info(text);
      events.add('websockets', text, { isFull, most });
    },
  });
  const stop = new Stop({
    acceptor,
    threads,
    log,
    onBegin: ({ reason, delayMs }) => {
      const still = delayMs > 0 ? `draining, still serving for ${delayMs / 1000} s` : 'the process is about to end';
      events.add('drain', still, { reason, delaySeconds: delayMs / 1000, webSockets: threads.webSockets() });
    },
    onPortClosed: ({ reason, delayMs }) => {
      if (delayMs > 0) events.add('drain', 'the port for clients is closed', { reason });
      readers.close();
    },
    closeJobs: (deadlineMs) => {
      backups.close();
      return jobs.close(deadlineMs);
    },
    closeControl: async () => {
      targetSets.close();
      drains.close();
      splits.close();
      configWatch?.close();
      socketRoom.close();
      health.close();
      await jwks.close();
      await keys.close();
      await maintenance.close();
      await versions.close();
      await control.close();
    },
  });
  const told = (outcome: ReloadOutcome): ReloadOutcome => {
    addReloadEvent(events, outcome);
    degraded.set('config', reloadReasons(reload.last, reload.active().version));
    return outcome;
  };
  const runReload = async (): Promise<ReloadOutcome> => told(await reload.run(threads));
  const versions = new ConfigVersions({
    settings: first.config.source,
    opened: first.versions,
    node: first.config.node.name,
    redis: control.redis,
    source: first.source,
    active: reload,
    reload: () => (stop.begun ? Promise.resolve(undefined) : runReload()),
    log,
    events,
  });
  const numbers = startMetrics(
    {
      memory: metrics,
      threads,
      control,
      health,
      ejections: upstreams.ejections,
      concurrency,
      splits: () => splitAnswers({ splits, routes: () => reload.active().config.routes }),
      front: acceptor,
      reload,
      node: first.config.node.name,
      startedAtMs,
      serving: () => listening,
      jobs,
      ofJobs: jobs.connections,
      backups,
      jwks,
      maintenance: maintenance.book,
      versions,
      log,
    },
    serves ? connections : undefined,
  );
  const { watchEveryMs } = first.config.source;
  const configWatch =
    watchEveryMs === undefined
      ? undefined
      : new ConfigWatch({
          everyMs: watchEveryMs,
          read: () => first.source.attempted,
          reload: async (now) => {
            if (stop.begun) return;
            const outcome = await reload.runIf(threads, () => first.source.loadIf(now));
            if (outcome !== undefined) told(outcome);
          },
        });
  setInterval(() => reload.rotateTicketKeys(threads), TICKET_KEY_LIFE_MS).unref();
  const drain = (reason: string, { delayed }: { readonly delayed: boolean }): void => {
    const { drainDelayMs, drainTimeoutMs: deadlineMs } = reload.active().config.server;
    if (!delayed) stop.hasten();
    void stop.drain({ reason, delayMs: delayed && listening ? drainDelayMs : 0, deadlineMs, exitCode: EXIT.ok });
  };
  void threads.allStuck.then(() => {
    log.error('as many request threads are stuck as there should be: the process must be started again');
    stop.hasten();
    return stop.drain({ ...FAULT_STOP, reason: 'stuck threads' });
  });
  onProcessEvents({
    drain,
    force: () => void stop.force(),
    reload: () => {
      if (stop.begun) return log.warn('SIGHUP: the process is about to end, so its configuration stays');
      log.info('SIGHUP: reading the configuration again');
      void runReload();
    },
    fault: (error) => {
      log.fatal({ err: error }, 'the front failed');
      stop.hasten();
      void stop.drain({ ...FAULT_STOP, reason: 'fault' });
    },
  });

  const tokens = new AdminTokens({
    given: () => reload.active().config.server.adminToken,
    stateDir: server.stateDir,
    log,
  });
  const sessions = new Sessions({
    nowMs: monotonicMs,
    ...SESSIONS,
    token: () => tokens.current(),
    allowed: () => mayChangeOnPage(server.adminUi, tokens.current()),
  });
  const front = {
    first: first.config,
    tokens,
    sessions,
    startedAtMs,
    startedMs,
    port: () => port,
    log,
    events,
    readers,
    control,
    threads,
    upstreams,
    keys,
    jwks,
    maintenance,
    health,
    drains,
    splits,
    acceptor,
    jobs,
    memory: metrics,
    redis: numbers.redis,
    backups: () => backups.ofStore(),
    onWatch: (begun: PageWatch) => (pageWatch = begun),
    backupWarnings: () => backups.warnings(),
    overload: () => ({ shed: shed.lastMinute(), upstreams: [...concurrency.views()] }),
    jobProblems: () => [...degraded.of('jobs-redis'), ...degraded.of('jobs')],
    reload,
    runReload,
    versions,
    stop,
    drain: (reason: string) => drain(reason, { delayed: true }),
    serving: () => listening,
    degraded,
  };
  const operations = adminOperations(front, numbers.operations);
  const admin = await openAdmin(server, { operations, token: () => tokens.current(), sessions, log });
  tokens.open(admin.port);
  stop.closeLast({
    close: async () => {
      pageWatch?.close();
      shed.close();
      await admin.close();
      if (server.adminPort === 0) tokens.forget();
    },
  });

  const serving = (): number => threads.all().filter(({ state }) => state.kind === 'serving').length;
  const settled = (): boolean => stop.begun || serving() >= server.workers || threads.failures >= FAILED_STARTS;
  const isNew = first.versions.kept.length === 0;
  await Promise.all([
    threads.until(settled, START_WITHIN_MS),
    maintenance.asked(MAINTENANCE_WITHIN_MS),
    versions.asked(isNew ? FIRST_VERSION_WITHIN_MS : MAINTENANCE_WITHIN_MS),
  ]);
  if (stop.begun) return;
  if (serving() < server.workers)
    throw new StartFailure(EXIT.internal, 'the request threads do not start; the log says why');

  port = serves ? await listen(acceptor, server) : 0;
  listening = true;
  beginJobs();
  const scheme = server.tls === undefined ? 'http' : 'https';
  const adminPort = admin.port;
  log.info(
    {
      ...(serves ? { url: originOf(scheme, server.host, port) } : {}),
      adminUrl: originOf('http', server.adminHost, adminPort),
      port,
      adminPort,
      threads: server.workers,
      front: acceptor.kind,
      jobs: first.config.jobs.mode,
      maxConnections: server.maxConnections,
      openFiles: openFilesLimit(),
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
  endOnStopSignals(); // until `compose` has what can be drained
  let log: Log | undefined;
  try {
    const first = loadFirst();
    log = createLog({ level: first.config.logLevel, name: 'front' });
    if (first.warnings.length > 0) log.warn({ warnings: first.warnings }, 'configuration warnings');
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
