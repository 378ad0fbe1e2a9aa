import { ask, expectBody } from '../shared/ask.ts';
import { SMALL_BODY } from '../shared/bodies.ts';
import { treeCpuTime } from '../shared/cpu-time.ts';
import { runLoad } from '../shared/load.ts';
import type { LoadResult } from '../shared/load.ts';
import type { Session } from '../shared/session.ts';
import type { LoadRequest } from '../shared/wrk-script.ts';
import { CLIENT_HEADER, PATH } from './cases.ts';
import { readWork } from './redis.ts';
import type { RedisWork } from './redis.ts';
import type { Subject, SubjectName } from './subjects.ts';

/** One load run against one subject; times are microseconds of CPU per request. */
export interface Measurement {
  readonly part: string;
  readonly subject: SubjectName;
  /** Counted from 1. */
  readonly round: number;
  readonly proxyUs: number;
  readonly redisUs: number;
  /** Both. */
  readonly totalUs: number;
  readonly scriptsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Not empty: the run is reported and not used. */
  readonly problems: readonly string[];
}

export interface Run {
  readonly subject: Subject;
  readonly request: LoadRequest;
  readonly seconds: number;
  readonly connections: number;
}

export const urlOf = ({ port, prefix }: Subject): string => `http://127.0.0.1:${port}${prefix}${PATH}`;

/**
 * Sends one request and looks at the answer, before anything is measured.
 * @throws Error that says what differs: status, body, or whether the limit was at work
 */
export async function verify(subject: Subject, limited = true): Promise<void> {
  try {
    const answer = await ask(urlOf(subject), { method: 'GET', headers: { [CLIENT_HEADER]: 'client-1' } });
    expectBody(answer, SMALL_BODY);
    if ((answer.headers['x-ratelimit-remaining'] !== undefined) !== limited) {
      throw new Error(limited ? 'an answer that was not limited' : 'an answer that was limited');
    }
  } catch (error) {
    throw new Error(`${subject.name}: ${String(error)}`, { cause: error });
  }
}

export function load({ processes, tool, cores }: Session, run: Run): Promise<LoadResult> {
  const { request, seconds, connections } = run;
  const plan = { request, url: urlOf(run.subject), seconds, connections };
  return runLoad(tool, plan, { processes, core: cores.load });
}

/** Measures one run: CPU of the subject and of its Redis before and after, over the requests that were answered. */
export async function measure(session: Session, run: Run, at: { part: string; round: number }): Promise<Measurement> {
  const { subject } = run;
  const before = await worked(subject);
  const seen = await load(session, run);
  const after = await worked(subject);
  const per = (pick: (work: typeof before) => number): number =>
    (pick(after) - pick(before)) / Math.max(seen.requests, 1);
  const proxyUs = per((work) => work.proxyUs);
  const redisUs = per((work) => work.redis.cpuUs);
  const scriptsPerRequest = per((work) => work.redis.scripts);
  return {
    ...at,
    subject: subject.name,
    proxyUs,
    redisUs,
    totalUs: proxyUs + redisUs,
    scriptsPerRequest,
    requestsPerSecond: seen.requests / seen.seconds,
    p50Us: seen.p50Us,
    p99Us: seen.p99Us,
    problems: [
      ...seen.problems,
      ...(subject.process.ended ? [`${subject.name} ended during the run`] : []),
      ...(scriptsPerRequest === 0 ? ['Redis was not asked'] : []),
      ...(after.outages > before.outages ? ['Redis was skipped for a while'] : []),
    ],
  };
}

async function worked(subject: Subject): Promise<{ proxyUs: number; redis: RedisWork; outages: number }> {
  const redis = await readWork(subject.redis);
  const { userUs, systemUs } = treeCpuTime(subject.process.pid);
  return { proxyUs: userUs + systemUs, redis, outages: outages(subject) };
}

/** How often the gateway's log says that it goes on without Redis. */
export const outages = ({ process: { stdout } }: Subject): number => stdout.split('Redis is not asked').length - 1;
