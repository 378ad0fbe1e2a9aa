import { wallClockMs } from '../../shared/clock.ts';
import { resolveLimits } from '../../shared/config/limits/resolve.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import { readEnv } from '../../shared/config/read-env.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import type { ConfigResult } from '../../shared/config/read-config.ts';
import type { Config, RedisConfig } from '../../shared/config/types.ts';
import { nodeHandles } from '../../shared/net/handles.ts';
import type { AdminOptions } from '../admin/find-admin.ts';
import { CommandFailure } from '../command-failure.ts';
import { show } from '../show.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { redisConfig } from '../redis/redis-config.ts';
import { checkBackups } from './backups.ts';
import { inspectClock, judgeClock } from './clock.ts';
import { fail, findingLines, ok, warn, worstOf } from './finding.ts';
import type { Finding } from './finding.ts';
import { checkJobs } from './jobs.ts';
import { checkLocalPorts } from './local-ports.ts';
import { judgePort, tryPort } from './ports.ts';
import type { PortTrial } from './ports.ts';
import { checkRedisServers } from './redis.ts';
import { fileLimit, fileNeed, inspectMemory, judgeFiles, judgeMemory, judgeProcessors } from './resources.ts';
import { checkGateway } from './running-gateway.ts';
import type { RunningGateway } from './running-gateway.ts';
import { inspectLibrary, judgeFront, judgeLibrary, judgeNode } from './runtime.ts';
import { checkUpstreams } from './upstreams.ts';

export interface DoctorOptions extends AdminOptions {
  readonly json: boolean;
}

/** `gateway doctor`: everything around the gateway that can be wrong, and for each what to do. Needs no gateway. */
export async function doctor(io: CliIo, options: DoctorOptions): Promise<number> {
  const running = await checkGateway(io, options);
  const own = readConfig(io.env, io.readFile);
  const config = running.config ?? (own.ok ? own.config : undefined);
  const findings = [
    judgedFinding(running),
    judgeNode(process.versions.node, wallClockMs()),
    ...(config?.server.front === 'native' ? [] : [judgeLibrary(inspectLibrary())]),
    judgeClock(inspectClock()),
    ...(running.config === undefined ? configurationFindings(own) : usedFindings(running.config, running)),
    running.finding,
    ...(config === undefined ? [] : [frontFinding(config)]),
    ...(config === undefined || !running.here ? [] : await checkMachine(config, running)),
    ...(await (running.config === undefined ? checkRedis(io) : checkUsedRedis(io, running.config, running))),
    ...(config === undefined ? [] : await checkJobs(config.jobs, jobsPassword(io, config.jobs.redis, running))),
    ...(config === undefined ? [] : await checkBackups(config, running.here)),
    ...(config === undefined ? [] : await checkTargets(io, config, running)),
  ];
  const verdict = worstOf(findings);
  const sum = (level: Finding['level']): number => findings.filter((each) => each.level === level).length;
  const summary = `${sum('ok')} ok, ${sum('warn')} to look at, ${sum('fail')} failing`;
  show({ io, json: options.json }, { verdict, findings }, [
    ...findingLines(findings),
    [{ text: summary, style: verdict === 'fail' ? 'bad' : 'strong' }],
  ]);
  return verdict === 'fail' ? EXIT.negative : EXIT.ok;
}

/** Two configurations can be meant: a gateway that runs may have been given another than this shell. */
const judgedFinding = ({ status, config }: RunningGateway): Finding =>
  config === undefined
    ? ok('judged', "this shell's configuration, as no gateway shows its own")
    : ok('judged', `the configuration that ${status?.node ?? 'the gateway'} runs with, not this shell's`);

const ADVICE = 'Correct it; "gateway check" shows it as the gateway reads it.';

function usedFindings({ routes, upstreams }: Config, { status }: RunningGateway): readonly Finding[] {
  const check = 'configuration';
  const warnings = (status?.warnings ?? []).map((each) => warn(check, each, ADVICE));
  return [...warnings, ok(check, `in use; routes: ${routes.length}, upstreams: ${upstreams.length}`)];
}

function configurationFindings(result: ConfigResult): readonly Finding[] {
  const check = 'configuration';
  const warnings = result.warnings.map((each) => warn(check, formatProblems([each]), ADVICE));
  if (!result.ok) return [...warnings, ...result.problems.map((each) => fail(check, formatProblems([each]), ADVICE))];
  const { routes, upstreams } = result.config;
  return [...warnings, ok(check, `valid; routes: ${routes.length}, upstreams: ${upstreams.length}`)];
}

const frontFinding = ({ server, testNoHandles }: Config): Finding =>
  judgeFront(server.front, !testNoHandles && nodeHandles() !== undefined);

async function checkMachine(config: Config, { status }: RunningGateway): Promise<readonly Finding[]> {
  const { host, port, adminHost, adminPort, workers } = config.server;
  const data = { host, port, portSetting: 'PORT', hostSetting: 'HOST' };
  const admin = { host: adminHost, port: adminPort, portSetting: 'ADMIN_PORT', hostSetting: 'ADMIN_HOST' };
  const [dataTrial, adminTrial] = await Promise.all([tryPort(data), tryPort(admin)]);
  const dataIsOurs = status?.port === port;
  const running = dataIsOurs && dataTrial.code === 'EADDRINUSE';
  return [
    ...(workers === 0 ? [] : [judgePort(data, dataTrial, dataIsOurs)]),
    judgePort(admin, adminTrial, status !== undefined && (workers === 0 || sameHolder(dataTrial, adminTrial))),
    filesFinding(config, running ? dataTrial.holder?.pid : undefined),
    judgeMemory(inspectMemory(), workers, running),
    judgeProcessors(workers),
  ];
}

/** Both ports of a gateway are held by one process, if it can be seen at all. */
const sameHolder = (data: PortTrial, admin: PortTrial): boolean => data.holder?.pid === admin.holder?.pid;

function filesFinding(config: Config, pid: number | undefined): Finding {
  const limit = pid === undefined ? undefined : fileLimit(pid);
  return limit === undefined
    ? judgeFiles(fileNeed(config), fileLimit('self'), 'a process started here')
    : judgeFiles(fileNeed(config), limit, `the running gateway (pid ${pid})`);
}

async function checkRedis(io: CliIo): Promise<readonly Finding[]> {
  try {
    // The rest of the configuration may be wrong; then a variable that is wrong has its default here.
    const { timeoutMs: startMs, timeoutMaxMs: maxMs } = resolveLimits(readEnv(io).values);
    return await checkRedisServers(redisConfig(io), { startMs, maxMs });
  } catch (error) {
    if (error instanceof CommandFailure) return []; // REDIS_* are wrong, which is among the findings already
    throw error;
  }
}

/** The gateway does not show its password; with one that is not known here it is what it says itself that counts. */
async function checkUsedRedis(
  io: CliIo,
  { redis, limits }: Config,
  { status }: RunningGateway,
): Promise<readonly Finding[]> {
  if (redis === undefined) return [ok('redis', 'the gateway uses none: it counts and decides for itself')];
  const password = redis.password === undefined ? undefined : passwordHere(io, redis);
  if (redis.password === undefined || password !== undefined) {
    return checkRedisServers({ ...redis, password }, { startMs: limits.timeoutMs, maxMs: limits.timeoutMaxMs });
  }
  const found = `${redis.url}: ${status?.redis.state ?? ''}, says the gateway`;
  const unseen = 'its password is not known here, so nothing else of it is judged';
  return status?.redis.state === 'up'
    ? [ok('redis', `${found}; ${unseen}`)]
    : [fail('redis', `${found} (${status?.redis.reason ?? ''}); ${unseen}`, 'Set REDIS_URL here to look at it.')];
}

/** What this shell knows of the same Redis. */
function passwordHere(io: CliIo, { url }: RedisConfig): string | undefined {
  try {
    const own = redisConfig(io);
    return own?.url === url ? own.password : undefined;
  } catch (error) {
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
}

/** The gateway does not show it; this shell may know it. */
function jobsPassword(io: CliIo, redis: RedisConfig | undefined, { config }: RunningGateway): string | undefined {
  if (redis?.password === undefined || config === undefined) return redis?.password;
  const own = readConfig(io.env, io.readFile);
  const here = own.ok ? own.config.jobs.redis : undefined;
  return here?.url === redis.url ? here.password : undefined;
}

async function checkTargets(io: CliIo, config: Config, { status }: RunningGateway): Promise<readonly Finding[]> {
  if (config.server.workers === 0) return []; // JOBS=only: nothing is forwarded
  if (config.demoUpstream && status === undefined) {
    return [ok('upstream', 'none is configured: the demo upstream is started together with the gateway')];
  }
  return [...(await checkUpstreams(io, config.upstreams)), ...(await checkLocalPorts(config))];
}
