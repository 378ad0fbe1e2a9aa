import { monotonicMs } from '../../shared/clock.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import type { Config, LogLevel } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import { whyOperation } from './operations/why.ts';
import type { EventLog } from '../events/event-log.ts';
import type { EventReaders } from '../events/event-readers.ts';
import type { Acceptor } from '../front/acceptor.ts';
import { LoopUtilization } from '../metrics/loop-utilization.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';
import { fileOperations, PageFiles } from '../page/files.ts';
import { plainOperation } from '../page/plain.ts';
import { pageOperation, PageSource } from '../page/page-operations.ts';
import type { PageParts } from '../page/page-operations.ts';
import { ClusterHistory } from '../page/cluster-history.ts';
import { shareHistory } from '../page/share-history.ts';
import { PageWatch } from '../page/watch.ts';
import { certificateEnds } from '../config/certificate-ends.ts';
import type { Reload, ReloadOutcome } from '../config/reload.ts';
import { Profiles } from '../profiles/profiles.ts';
import type { ConfigVersions } from '../config/versions/config-versions.ts';
import type { Jobs } from '../jobs/start-jobs.ts';
import type { RequestThreads } from '../threads/request-threads.ts';
import type { Stop } from '../process/stop.ts';
import type { DegradedReasons } from '../traffic/degraded-reasons.ts';
import type { TrafficControl } from '../traffic/traffic-control.ts';
import type { SplitWeights } from '../upstreams/split-weights.ts';
import type { TargetDrains } from '../upstreams/target-drains.ts';
import type { UpstreamControl } from '../upstreams/upstream-control.ts';
import type { AnyOperation } from './contract/operation.ts';
import { breakerAnswerOf } from './operations/breaker-answer.ts';
import { breakerOperations } from './operations/breakers.ts';
import { withDocuments } from './server/document-operations.ts';
import { configVersionOperations } from './operations/config-versions.ts';
import { eventOperations } from './operations/events.ts';
import { jobOperations } from './operations/jobs.ts';
import { keyOperations } from './operations/keys.ts';
import { maintenanceEntryOf, maintenanceOperations } from './operations/maintenance.ts';
import { limitOperations } from './operations/limits.ts';
import { nodeOperations } from './operations/node.ts';
import { limitsReasonsOf, nodeStatus } from './operations/node-status.ts';
import type { StatusParts } from './operations/node-status.ts';
import { splitOperations } from './operations/splits.ts';
import { probeOperations } from './operations/probes.ts';
import { processOperations } from './operations/process.ts';
import { profileOperations } from './operations/profiles.ts';
import { sessionOperations } from './operations/session.ts';
import { targetOperations } from './operations/targets.ts';
import type { MaintenanceControl } from '../maintenance/maintenance-control.ts';
import type { KeyControl } from '../identity/keys/key-control.ts';
import type { HealthControl } from '../health/health-control.ts';
import type { Sessions } from './server/sessions.ts';
import type { AdminTokens } from './token/admin-tokens.ts';

/** The parts of the front that the admin API shows and steers. */
export interface FrontParts {
  readonly first: Config;
  /** Time of day. */
  readonly startedAtMs: number;
  /** The same moment on the monotonic clock. */
  readonly startedMs: number;
  /** Of the data port. */
  readonly port: () => number;
  readonly log: Log;
  readonly events: EventLog;
  readonly readers: EventReaders;
  readonly control: TrafficControl;
  readonly threads: RequestThreads;
  readonly upstreams: UpstreamControl;
  readonly health: HealthControl;
  readonly drains: TargetDrains;
  readonly splits: SplitWeights;
  readonly keys: KeyControl;
  readonly maintenance: MaintenanceControl;
  readonly acceptor: Acceptor;
  readonly jobs: Jobs;
  readonly reload: Reload;
  readonly versions: ConfigVersions;
  readonly runReload: () => Promise<ReloadOutcome>;
  readonly stop: Stop;
  /** What is refused because more comes than can be served. */
  readonly overload: StatusParts['overload'];
  /** Jobs that keep failing, and what of them cannot use Redis; empty: nothing is wrong. */
  readonly jobProblems: () => readonly string[];
  /** What an operator should know of the backups. */
  readonly backupWarnings: () => readonly string[];
  /** It has started, and the port for clients is open where there is one. */
  readonly serving: () => boolean;
  readonly degraded: DegradedReasons;
  readonly tokens: AdminTokens;
  readonly sessions: Sessions;
  readonly memory: MetricMemory;
  readonly redis: PageParts['redis'];
  readonly backups: PageParts['backups'];
  /** Is told what watches for the page, once. */
  readonly onWatch: (watch: PageWatch) => void;
  /** As a signal would. */
  readonly drain: (reason: string) => void;
}

/** Puts the admin API together. @param others operations that other parts of the front bring along */
export function adminOperations(parts: FrontParts, others: readonly AnyOperation[]): readonly AnyOperation[] {
  const { first, log, events, control, threads, reload, stop } = parts;
  const status = {
    node: first.node.name,
    startedAtMs: parts.startedAtMs,
    workers: first.server.workers,
    serves: first.jobs.mode !== 'only',
    redisConfigured: first.redis !== undefined,
    redisMode: first.redis?.mode,
    identityProblems: () => [...parts.degraded.of('identity'), ...parts.degraded.of('keys')],
    certificates: certificateEnds(() => reload.active()),
    uptimeMs: () => monotonicMs() - parts.startedMs,
    port: parts.port,
    draining: () => stop.begun,
    servingForMs: () => stop.servingForMs,
    token: () => parts.tokens.current(),
    front: parts.acceptor,
    loops: new LoopUtilization(),
    threads,
    reload,
    control,
    limitsStore: control.limits.store,
    unreachable: parts.upstreams.unreachable,
    jobProblems: parts.jobProblems,
    backupWarnings: parts.backupWarnings,
    health: parts.health,
    overload: parts.overload,
    breakers: () => control.breakers().map(breakerAnswerOf),
    maintenance: () => parts.maintenance.book.held().map(maintenanceEntryOf),
  };
  const setLogLevel = (level: LogLevel): void => {
    const before = log.level;
    log.level = level;
    threads.tellAll({ to: 'thread', type: 'log-level', level });
    events.add('log-level', `log level ${before} -> ${level}`, { level, before });
  };
  const operations = [
    ...others,
    ...breakerOperations({ control, upstreams: () => reload.active().config.upstreams }),
    ...targetOperations({ health: parts.health, drains: parts.drains, events }),
    ...splitOperations({ splits: parts.splits, routes: () => reload.active().config.routes, events }),
    ...limitOperations({ limits: control.limits, events, node: first.node.name }),
    whyOperation({ limits: control.limits, maintenance: parts.maintenance.book }),
    ...keyOperations({
      book: parts.keys.book,
      events,
      profiles: () => reload.active().config.identities.profiles.map(({ name }) => name),
    }),
    ...maintenanceOperations({
      book: parts.maintenance.book,
      node: first.node.name,
      routes: () => reload.active().config.routes.map(({ name }) => name),
    }),
    ...jobOperations(parts.jobs, first.jobs.mode),
    ...eventOperations(events, parts.readers),
    ...nodeOperations(status, () => control.nodes()),
    ...probeOperations({
      serving: () =>
        parts.serving() && (first.jobs.mode === 'only' || threads.all().some(({ state }) => state.kind === 'serving')),
      draining: () => stop.begun,
      degraded: () => [...parts.degraded.all(), ...limitsReasonsOf(status)],
    }),
    ...profileOperations(new Profiles(() => threads.all())),
    ...configVersionOperations({ versions: parts.versions, isDraining: () => stop.begun }),
    ...processOperations({
      config: () => reload.active().config,
      configVersion: () => parts.versions.book.number,
      reload: parts.runReload,
      drain: parts.drain,
      isDraining: () => stop.begun,
      logLevel: () => log.level as LogLevel,
      setLogLevel,
    }),
  ];
  return withDocuments([...operations, ...pageOperations(parts, status, operations)]);
}

/** Those of the operator's page, unless it is off. */
function pageOperations(
  parts: FrontParts,
  status: StatusParts,
  operations: readonly AnyOperation[],
): readonly AnyOperation[] {
  const { first, control, events, sessions } = parts;
  if (first.server.adminUi === 'off') return [];
  const node = first.node.name;
  const own = { ...status, loops: new LoopUtilization() };
  const watch: PageWatch = new PageWatch({
    node,
    memory: parts.memory,
    status: () => nodeStatus(own),
    active: () => parts.reload.active(),
    ...shareHistory({ redis: control.redis, node, memory: parts.memory, history: () => watch.history }),
  });
  parts.onWatch(watch);
  const source = new PageSource({
    watch,
    node,
    operations,
    nodes: () => control.nodes(),
    redis: parts.redis,
    backups: parts.backups,
    sessions,
    events,
    cluster: control.redis === undefined ? undefined : new ClusterHistory(control.redis),
  });
  return [
    pageOperation(source),
    plainOperation(source),
    ...fileOperations(new PageFiles()),
    ...sessionOperations(sessions, () => parts.tokens.current()),
  ];
}

/** Tells the events of a reload. */
export function addReloadEvent(events: Pick<EventLog, 'add'>, outcome: ReloadOutcome): void {
  if (outcome.kind === 'applied') {
    const { version, needsRestart, complete, redisRefuses } = outcome;
    events.add('reload', `configuration version ${version} is in use`, {
      applied: true,
      version,
      needsRestart,
      complete,
      redisRefuses,
    });
    return;
  }
  const problems = formatProblems(outcome.problems).split('\n').slice(0, 10);
  events.add('reload', 'the new configuration is refused; the old one stays', { applied: false, problems });
}
