import { treeCpuTime } from './cpu-time.ts';
import type { LoadPlan, LoadResult } from './load/plan.ts';
import { runLoad } from './load/run.ts';
import { readWork } from './redis.ts';
import type { RedisWork } from './redis.ts';
import type { Session } from './session.ts';
import type { Subject } from './subject.ts';
import type { Upstream } from './upstream-process.ts';

/** One load run against one subject; times are microseconds of CPU per answered request. */
export interface MeasuredRun {
  readonly subject: string;
  /** Counted from 1. */
  readonly round: number;
  readonly load: LoadResult;
  /** The subject without its Redis. */
  readonly userUs: number;
  readonly systemUs: number;
  /** 0 where the subject has no Redis. */
  readonly redisUs: number;
  /** Subject and Redis. */
  readonly totalUs: number;
  readonly scriptsPerRequest: number;
  readonly commandsPerRequest: number;
  readonly requestsPerSecond: number;
  /** Cores kept busy while the load ran: the subject's name, `load`, `upstream`, `redis`. */
  readonly busyCores: Readonly<Record<string, number>>;
  /** Not empty: the run is told and not used. */
  readonly problems: readonly string[];
}

export interface MeasuredPlan {
  readonly subject: Subject;
  readonly round: number;
  readonly upstream: Upstream | undefined;
  readonly plan: LoadPlan;
}

interface Work {
  readonly userUs: number;
  readonly systemUs: number;
  readonly upstreamUs: number;
  readonly redis: RedisWork | undefined;
  readonly outages: number;
}

/** Runs the load and measures who used how much CPU meanwhile. */
export async function measureRun(session: Session, measured: MeasuredPlan): Promise<MeasuredRun> {
  const { subject, round, plan } = measured;
  const before = await work(measured);
  const load = await runLoad(session, plan);
  const after = await work(measured);
  const spent = (pick: (work: Work) => number): number => pick(after) - pick(before);
  const per = (pick: (work: Work) => number): number => spent(pick) / Math.max(load.requests, 1);
  const busy = (pick: (work: Work) => number): number => spent(pick) / 1e6 / load.seconds;
  const userUs = per((seen) => seen.userUs);
  const systemUs = per((seen) => seen.systemUs);
  const redisUs = per((seen) => seen.redis?.cpuUs ?? 0);
  return {
    subject: subject.name,
    round,
    load,
    userUs,
    systemUs,
    redisUs,
    totalUs: userUs + systemUs + redisUs,
    scriptsPerRequest: per((seen) => seen.redis?.scripts ?? 0),
    commandsPerRequest: per((seen) => seen.redis?.commands ?? 0),
    requestsPerSecond: load.requests / load.seconds,
    busyCores: {
      [subject.name]: busy((seen) => seen.userUs + seen.systemUs),
      load: load.busyCores,
      ...(measured.upstream?.process !== undefined && { upstream: busy((seen) => seen.upstreamUs) }),
      ...(subject.redis !== undefined && { redis: busy((seen) => seen.redis?.cpuUs ?? 0) }),
    },
    problems: [
      ...load.problems,
      ...subject.processes.filter((each) => each.ended).map((each) => `${each.name} ended during the run`),
      ...(after.outages > before.outages ? ['Redis was skipped for a while'] : []),
    ],
  };
}

async function work({ subject, upstream }: MeasuredPlan): Promise<Work> {
  const redis = subject.redis === undefined ? undefined : await readWork(subject.redis);
  const times = subject.processes.map((each) => treeCpuTime(each.pid));
  const forwarded = upstream?.process === undefined ? { userUs: 0, systemUs: 0 } : treeCpuTime(upstream.process.pid);
  return {
    userUs: times.reduce((sum, time) => sum + time.userUs, 0),
    systemUs: times.reduce((sum, time) => sum + time.systemUs, 0),
    upstreamUs: forwarded.userUs + forwarded.systemUs,
    redis,
    outages: outages(subject),
  };
}

/** How often the gateway's log says that it goes on without Redis. */
export const outages = ({ processes }: Subject): number =>
  processes.reduce((sum, { stdout }) => sum + stdout.split('Redis is not asked').length - 1, 0);
