import { runLoad } from '../../shared/load/run.ts';
import type { LoadPlan, LoadResult } from '../../shared/load/plan.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { outages } from '../../shared/measured-run.ts';
import { startRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { hammer, PATH } from './cases.ts';
import { startLimited } from './subjects.ts';

export const CAPACITY = 100;
export const REFILL_PER_SECOND = 50;
const BUCKET: AuditedBucket = { capacity: CAPACITY, refillPerSecond: REFILL_PER_SECOND };
/** Far above the refill. */
const RATE_PER_SECOND = 1000;
/**
 * Instead of 10 ms: when Redis is late the gateway goes on with local limits, as it should, and on a busy machine this
 * would be a test of that.
 */
const TIMEOUT_MS = 1000;
/** Of what the bucket holds, how much must be granted when demand is far above it. */
const LOWEST_SHARE = 0.99;

/** What an answer is held against. */
export interface AuditedBucket {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

/** What one client that asks far too much was granted. */
export interface Audit {
  readonly granted: number;
  readonly refused: number;
  /** capacity + rate × time, the time being known to the slowest answer. */
  readonly atLeast: number;
  readonly atMost: number;
  readonly problems: readonly string[];
}

/** Hammers one fresh key for some seconds and records whether exactly the bucket was granted. */
export async function auditLimits({ session, record, options }: SuiteContext, context: SubjectContext): Promise<void> {
  const redis = await startRedis(session);
  const subject = await startLimited(context, redis, {
    clientBy: 'header',
    capacity: CAPACITY,
    refillPerSecond: REFILL_PER_SECOND,
    env: { RATE_LIMIT_TIMEOUT_MILLISECONDS: String(TIMEOUT_MS) },
  });
  const plan = (client: string, seconds: number): LoadPlan => ({
    request: hammer(client, client),
    url: subject.url + PATH,
    seconds,
    connections: 64,
    ratePerSecond: RATE_PER_SECOND,
  });
  record.progress('exactness: one key, demand far above the limit');
  if (!options.miniature) await runLoad(session, plan('warm-up', 1));
  const audit = await auditOnce(session, subject, plan('audited', options.miniature ? 0.5 : 3));
  record.check({
    case: 'one key, demand far above the limit',
    what: EXACT,
    ok: audit.problems.length === 0,
    detail: `granted ${auditInWords(audit)}`,
  });
  await stopSubject(subject);
}

/** What an audit checks. */
export const EXACT = 'what is granted is what the bucket holds: at most capacity + rate × time, at least 99 % of it';

/** Puts one load on the subject and judges it; a subject that went on without Redis has a problem too. */
export async function auditOnce(session: Session, subject: Subject, plan: LoadPlan): Promise<Audit> {
  const before = outages(subject);
  const seen = await runLoad(session, plan);
  const audit = judge(seen);
  const skipped = outages(subject) > before ? ['Redis was skipped for a while'] : [];
  return { ...audit, problems: [...seen.problems, ...skipped, ...audit.problems] };
}

export const auditInWords = ({ granted, refused, atLeast, atMost, problems }: Audit): string =>
  [`${granted} of ${atLeast.toFixed(1)} to ${atMost.toFixed(1)}, refused ${refused}`, ...problems].join('; ');

/** Holds the counted answers against the bucket. */
export function judge(
  { statuses, seconds, maxUs }: Pick<LoadResult, 'statuses' | 'seconds' | 'maxUs'>,
  { capacity, refillPerSecond } = BUCKET,
): Audit {
  const { '200': granted = 0, '429': refused = 0, ...others } = statuses;
  const held = (time: number): number => capacity + refillPerSecond * Math.max(0, time);
  const atMost = held(seconds + maxUs / 1e6);
  const atLeast = held(seconds - maxUs / 1e6) * LOWEST_SHARE;
  const problems = Object.entries(others).map(([status, count]) => `status ${status}: ${count}`);
  if (granted > atMost) problems.push('more granted than the bucket held');
  if (granted < atLeast) problems.push(`less granted than ${LOWEST_SHARE * 100} %`);
  if (refused === 0) problems.push('nothing was refused: too little demand to say anything');
  return { granted, refused, atLeast, atMost, problems };
}
