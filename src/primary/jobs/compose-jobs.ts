import { wallClockMs } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { DegradedReasons } from '../traffic/degraded-reasons.ts';
import type { Job } from './job.ts';
import { RunCounts } from './run-counts.ts';
import type { Jobs } from './start-jobs.ts';

export interface ComposedJobs extends Jobs {
  readonly connections: RedisConnections | undefined;
  /** Another password for the Redis of the jobs. */
  configure(config: Config): void;
}

const none = (): Promise<never> => Promise.reject(new Error('this process has no jobs'));
const NO_JOBS: Omit<Jobs, 'counts'> = {
  scope: 'node',
  has: () => false,
  list: () => [],
  run: none,
  follow: none,
  history: none,
  close: () => Promise.resolve(),
};

/**
 * Starts the jobs as the configuration says: none, in this process, or shared out through a Redis. What runs them is
 * loaded only where there are some: half of it is a calendar.
 */
export async function composeJobs(parts: {
  readonly config: Config;
  readonly jobs: readonly Job[];
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  readonly degraded: DegradedReasons;
  /** The jobs begin then. */
  readonly after: Promise<void>;
}): Promise<ComposedJobs> {
  const { config, log, events, degraded } = parts;
  const jobs = config.jobs.mode === 'off' ? [] : parts.jobs;
  if (jobs.length === 0) {
    return { ...NO_JOBS, counts: new RunCounts(), connections: undefined, configure: () => {} };
  }
  const connections = await connectionsOf(config, parts);
  const { startJobs } = await import('./start-jobs.ts');
  const started = startJobs({
    jobs,
    node: config.node.name,
    log,
    events,
    connections,
    onFailing: (reasons) => degraded.set('jobs', reasons),
    wallClockMs,
    after: parts.after,
  });
  return {
    ...started,
    connections,
    configure: (next) => {
      if (next.jobs.redis !== undefined) connections?.renewLogin(next.jobs.redis);
    },
  };
}

async function connectionsOf(
  { jobs: { redis } }: Config,
  { log, degraded }: { readonly log: Log; readonly degraded: DegradedReasons },
): Promise<RedisConnections | undefined> {
  if (redis === undefined) return undefined;
  const { connectRedis: connect } = await import('../../shared/redis/connect.ts');
  const onProblems = (problems: readonly string[]): void => degraded.set('jobs-redis', problems);
  return new RedisConnections({ config: redis, connect, log, onProblems });
}
