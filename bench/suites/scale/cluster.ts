import { startNodes } from '../../shared/nodes.ts';
import type { NodesPlan } from '../../shared/nodes.ts';
import { startRedis } from '../../shared/redis.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import type { Subject } from '../../shared/subject.ts';
import { inWords } from './counts.ts';

/**
 * A decision may take a second instead of 10 ms: with more threads than cores some are late, and going on alone, which
 * is right then, is not what is being measured.
 */
export const PATIENT = { RATE_LIMIT_TIMEOUT_MILLISECONDS: '1000' } as const;

/** Gateways that live together on one Redis; each subject is the first so many of them. */
export interface Cluster {
  /** In the order of the counts. */
  readonly subjects: readonly Subject[];
  stop(): Promise<void>;
}

export type ClusterPlan = Omit<NodesPlan, 'count' | 'redis'> & { readonly counts: readonly number[] };

/**
 * All nodes live all the time, and only some of them get requests: so one, two … nodes can take turns.
 * @throws Error when one of them does not start
 */
export async function startCluster(session: Session, { counts, ...plan }: ClusterPlan): Promise<Cluster> {
  const redis = await startRedis(session);
  const nodes = await startNodes(session, { ...plan, redis, count: Math.max(...counts) });
  const subjects = counts.map((count): Subject => {
    const own = nodes.slice(0, count);
    const [url = '', ...moreUrls] = own.map((node) => node.url);
    const threads = count * (plan.workers ?? 1);
    return {
      name: inWords(count, 'node'),
      url,
      moreUrls,
      processes: own.map(({ process }) => process),
      redis,
      threads,
    };
  });
  return {
    subjects,
    stop: () =>
      stopAll(
        nodes.map(({ process }) => process),
        redis,
      ),
  };
}

async function stopAll(processes: Subject['processes'], redis: BenchRedis): Promise<void> {
  await Promise.all(processes.map((each) => each.stop()));
  redis.client.disconnect();
  await redis.process.stop();
}
