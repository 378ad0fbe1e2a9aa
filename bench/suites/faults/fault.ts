import type { BenchRedis } from '../../shared/redis.ts';
import { startRedis, stopRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { startSlowProxy } from './slow-proxy.ts';
import type { SlowProxy } from './slow-proxy.ts';

/** Longer than RATE_LIMIT_TIMEOUT_MILLISECONDS (10), and shorter. */
const TOO_LATE_MS = 100;
const LATE_MS = 5;

/** A Redis that things can be done to, and a way to it that can be made slow. */
export interface FaultyRedis {
  readonly redis: BenchRedis;
  readonly proxy: SlowProxy;
}

export interface Fault {
  readonly title: string;
  /** What its end is called in charts. */
  readonly over: string;
  /** The gateway reaches Redis through the proxy. */
  readonly proxied: boolean;
  /** Decisions can go on being shared. */
  readonly harmless?: boolean;
  begin(faulty: FaultyRedis): void;
  /** Resolves when Redis can be asked again, with the one to go on with. */
  end(faulty: FaultyRedis, session: Session): Promise<BenchRedis>;
}

export const FAULTS: readonly Fault[] = [
  {
    title: 'Redis killed',
    over: 'started again',
    proxied: false,
    begin: ({ redis }) => void redis.process.child.kill('SIGKILL'),
    async end({ redis }, session) {
      await stopRedis(redis);
      return await startRedis(session, { port: redis.port });
    },
  },
  {
    title: 'Redis paused',
    over: 'goes on',
    proxied: false,
    begin: ({ redis }) => void redis.process.child.kill('SIGSTOP'),
    end({ redis }) {
      redis.process.child.kill('SIGCONT');
      return Promise.resolve(redis);
    },
  },
  {
    title: `Redis answers ${TOO_LATE_MS} ms late`,
    over: 'in time again',
    proxied: true,
    begin: ({ proxy }) => proxy.delayAnswers(TOO_LATE_MS),
    end: inTimeAgain,
  },
  {
    title: `Redis answers ${LATE_MS} ms late`,
    over: 'in time again',
    proxied: true,
    harmless: true,
    begin: ({ proxy }) => proxy.delayAnswers(LATE_MS),
    end: inTimeAgain,
  },
];

function inTimeAgain({ redis, proxy }: FaultyRedis): Promise<BenchRedis> {
  proxy.delayAnswers(0);
  return Promise.resolve(redis);
}

export async function startFaultyRedis(session: Session): Promise<FaultyRedis> {
  const redis = await startRedis(session);
  return { redis, proxy: await startSlowProxy(redis.port) };
}
