import type { Session } from '../shared/session.ts';
import { CLIENT_HEADER } from './cases.ts';
import { load, outages } from './measure.ts';
import { startLimitedGateway } from './subjects.ts';
import type { BenchRedis } from './redis.ts';
import type { SubjectContext } from '../shared/gateway.ts';
import type { LoadRequest } from '../shared/wrk-script.ts';

const CAPACITY = 100;
const REFILL_PER_SECOND = 50;
/**
 * Instead of 10 ms: when Redis is late the gateway goes on with local limits, as it should, and on a busy machine this
 * would be a test of that.
 */
const TIMEOUT_MS = 1000;
const WARM_UP_SECONDS = 1;
const SECONDS = 3;
/** Of what the bucket holds, how much must be granted when demand is far above it. */
const LOWEST_SHARE = 0.99;

/** What one client that asks far too much was granted. */
export interface Audit {
  readonly granted: number;
  readonly refused: number;
  readonly seconds: number;
  /** capacity + rate × time. */
  readonly allowed: number;
  readonly problems: readonly string[];
}

const hammer = (name: string, header: string): LoadRequest => ({
  name,
  method: 'GET',
  requestBody: undefined,
  rotated: { header, count: 1 },
  countStatuses: true,
});

/** Hammers one fresh key for some seconds; the code is warmed up on another client's bucket. */
export async function audit(
  session: Session,
  context: SubjectContext,
  { redis, connections }: { redis: BenchRedis; connections: number },
): Promise<Audit> {
  const subject = await startLimitedGateway(context, redis, {
    RATE_LIMIT_KEY: `header-plain:${CLIENT_HEADER},ip`,
    RATE_LIMIT_CAPACITY: String(CAPACITY),
    RATE_LIMIT_REFILL_RATE: String(REFILL_PER_SECOND),
    RATE_LIMIT_TIMEOUT_MILLISECONDS: String(TIMEOUT_MS),
  });
  const run = { subject, connections };
  await load(session, { ...run, request: hammer('audit-warm-up', 'x-other'), seconds: WARM_UP_SECONDS });
  const outagesBefore = outages(subject);
  const seen = await load(session, { ...run, request: hammer('audit', CLIENT_HEADER), seconds: SECONDS });
  const skipped = outages(subject) > outagesBefore ? ['Redis was skipped for a while'] : [];
  await subject.process.stop();
  const judged = judge(seen.statuses, seen.seconds);
  return { ...judged, problems: [...seen.problems, ...skipped, ...judged.problems] };
}

/** Holds the counted answers against the bucket. */
export function judge(statuses: Readonly<Record<string, number>>, seconds: number): Audit {
  const { '200': granted = 0, '429': refused = 0, ...others } = statuses;
  const allowed = CAPACITY + REFILL_PER_SECOND * seconds;
  const problems = Object.entries(others).map(([status, count]) => `status ${status}: ${count}`);
  if (granted > allowed) problems.push('more granted than the bucket held');
  if (granted < allowed * LOWEST_SHARE) problems.push(`less granted than ${LOWEST_SHARE * 100} %`);
  if (refused === 0) problems.push('nothing was refused: too little demand to say anything');
  return { granted, refused, seconds, allowed, problems };
}
