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
  /** Another password for the Redis of the jobs, and jobs that there were not before. */
  configure(config: Config, jobs: readonly Job[]): void;
}

const none = (): Promise<never> => Promise.reject(new Error('this process has no jobs'));
const NO_JOBS: Omit<Jobs, 'counts'> = {
  scope: 'node',
  has: () => false,
  list: () => [],
  add: () => {},
  run: none,
  follow: none,
  history: none,
  close: () => Promise.resolve(),
};

/**
 * Starts the jobs as the configuration says: none, in this process, or shared out through a Redis. What runs them is
 * loaded only where they are not off: half of it is a calendar.
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
  if (config.jobs.mode === 'off') {
    return { ...NO_JOBS, counts: new RunCounts(), connections: undefined, configure: () => {} };
  }
  const connections = await connectionsOf(config, parts);
  const { startJobs } = await import('./start-jobs.ts');
  const started = startJobs({
    jobs: parts.jobs,
    node: config.node.name,
    log,
    events,
    connections,
    onFailing: (reasons) => degraded.set('jobs', reasons),
    wallClockMs,
    after: parts.after,
  });
  // A copy by spreading would not see the scope change.
  return Object.assign(started, {
    connections,
    configure: (next: Config, now: readonly Job[]) => {
      if (next.jobs.redis !== undefined) connections?.renewLogin(next.jobs.redis);
      for (const job of now) started.add(job);
    },
  });
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
