import { wallClockMs } from '../../src/shared/clock.ts';
import { createLog } from '../../src/shared/log.ts';
import { connectRedis } from '../../src/shared/redis/connect.ts';
import type { RedisConfig } from '../../src/shared/config/types.ts';
import { RedisConnections } from '../../src/primary/redis/redis-connections.ts';
import type { Job, JobResult } from '../../src/primary/jobs/job.ts';
import { redisConfig } from '../support/redis-config.ts';
import { startJobs } from '../../src/primary/jobs/start-jobs.ts';
import type { Jobs, JobsOptions } from '../../src/primary/jobs/start-jobs.ts';

/** A job for tests. By default: every second, one attempt, able, done at once. */
export const testJob = (own: Partial<Job> = {}): Job => ({
  name: 'test-job',
  description: 'A job of a test',
  pattern: '* * * * * *',
  attempts: 1,
  backoffMs: 100,
  ability: () => Promise.resolve('able'),
  run: () => Promise.resolve(done),
  ...own,
});

export const done: JobResult = { summary: 'done', details: {} };

/** A pattern that has no slot while a test runs. */
export const SELDOM = '0 4 29 2 *';

export const redisAt = (port: number): RedisConfig =>
  redisConfig({ url: `redis://127.0.0.1:${port}`, nodes: [{ host: '127.0.0.1', port }] });

export interface TestNode extends AsyncDisposable {
  readonly jobs: Jobs;
  readonly connections: RedisConnections | undefined;
  /** What was said of jobs that fail again and again, the newest last. */
  readonly failing: readonly (readonly string[])[];
  readonly events: readonly string[];
}

/** Starts jobs as a gateway does. @param redis `undefined` = in this process alone */
export function startNode(
  redis: RedisConfig | undefined,
  jobs: readonly Job[],
  own: Partial<Pick<JobsOptions, 'node' | 'renewEveryMs' | 'standInAfterMs'>> = {},
): TestNode {
  const log = createLog({ level: 'silent', name: 'jobs' });
  const failing: (readonly string[])[] = [];
  const events: string[] = [];
  const connections =
    redis && new RedisConnections({ config: redis, connect: connectRedis, log, onProblems: () => {} });
  const started = startJobs({
    jobs,
    node: 'a',
    log,
    events: { add: (_, message) => void events.push(message) },
    connections,
    onFailing: (reasons) => failing.push(reasons),
    wallClockMs,
    renewEveryMs: 500,
    ...own,
  });
  return { jobs: started, connections, failing, events, [Symbol.asyncDispose]: () => started.close(2_000) };
}
