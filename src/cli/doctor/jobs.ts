import type { JobsConfig, RedisConfig } from '../../shared/config/types.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { openRedis } from '../redis/open-redis.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';
import { parseInfo } from './redis-findings.ts';

/**
 * Whether jobs are done, and whether what they are kept in may forget them.
 * @param password of their Redis; `undefined` with one that is not known here, or where there is none
 */
export async function checkJobs(
  { mode, redis }: JobsConfig,
  password: string | undefined,
): Promise<readonly Finding[]> {
  if (mode === 'off') {
    const advice = 'Leave JOBS out, or run one node with JOBS=only: backups and probes that are set up need one.';
    return [warn('jobs', 'off (JOBS=off): nothing scheduled is done by this node', advice)];
  }
  if (redis === undefined) return [ok('jobs', `${mode}: this process does them all, as it shares no Redis`)];
  const shared = `${mode}: shared out through ${redis.url}`;
  if (redis.password !== undefined && password === undefined) {
    return [ok('jobs', `${shared}; its password is not known here, so its policy is not judged`)];
  }
  try {
    return [ok('jobs', shared), ...(await policiesOf({ ...redis, password }))];
  } catch (error) {
    const [found = '', ...advice] = (error instanceof CommandFailure ? error.message : reasonOf(error)).split('\n');
    return [fail('jobs', found, advice.join(' ') || 'See its log.')];
  }
}

async function policiesOf(config: RedisConfig): Promise<readonly Finding[]> {
  using redis = await openRedis(config);
  const infos = await Promise.all(
    redis.primaries.map((primary) =>
      primary.info('memory').then(
        (text) => parseInfo(text)['maxmemory_policy'],
        () => undefined,
      ),
    ),
  );
  return infos.flatMap((policy) => (policy === undefined ? [] : [judgePolicy(policy)])).slice(0, 1);
}

function judgePolicy(policy: string): Finding {
  if (policy === 'noeviction') return ok('jobs policy', `${policy}: no schedule is lost`);
  const advice =
    'Set maxmemory-policy noeviction there, or give the jobs a Redis of their own (JOBS_REDIS_URL). ' +
    'A schedule that is evicted is made again within a minute, a run that waits is lost.';
  return warn('jobs policy', `${policy}: when it is full, schedules of jobs and runs may go`, advice);
}
