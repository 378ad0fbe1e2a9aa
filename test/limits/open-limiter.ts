import { monotonicMs } from '../../src/shared/clock.ts';
import type { Decision } from '../../src/shared/limits/decision.ts';
import { compileRule } from '../../src/shared/limits/rule.ts';
import type { RuleSpec } from '../../src/shared/limits/rule.ts';
import { SharedMemoryStore } from '../../src/shared/limits/shared-memory-store.ts';
import type { LimitStore } from '../../src/shared/limits/store.ts';
import type { LaneSpec } from '../../src/workers/gateway/limits/limit-lane.ts';
import { Limiter, LIMITER_DEFAULTS } from '../../src/workers/gateway/limits/limiter.ts';
import type { LimiterOptions } from '../../src/workers/gateway/limits/limiter.ts';
import { countedThread } from '../metrics/thread-block.ts';
import type { CountedThread } from '../metrics/thread-block.ts';
import { smallMemory } from './small-memory.ts';
import { quietFor, stopwatch } from '../support/wait.ts';

export const laneSpec = (rule: Partial<RuleSpec> = {}, extra: Partial<LaneSpec> = {}): LaneSpec => ({
  rules: [compileRule({ name: '', capacity: 1_000_000, refillPerSecond: 1, ...rule })],
  cost: 1,
  onStoreFailure: 'local',
  leaseTokens: 0,
  shadow: false,
  ...extra,
});

/** Whose requests all are. */
export const ADDRESS = '192.0.2.1';

export interface TimedDecision {
  readonly decision: Decision;
  readonly tookMs: number;
}

export interface OpenLimiter {
  readonly limiter: Limiter;
  readonly counted: CountedThread;
  ask(client: string, spec?: LaneSpec): Promise<TimedDecision>;
  /** One request after the other until `done` says so; the slowest in served time, and how many each mode decided. */
  askUntil(done: () => boolean, client?: string): Promise<{ slowestMs: number; modes: Record<string, number> }>;
}

/** A limiter on a real store, asked by promises: what a request thread does, one request at a time. */
export function openLimiter(store: LimitStore, extra: Partial<LimiterOptions> = {}): OpenLimiter {
  const counted = countedThread();
  const limiter = new Limiter({
    clock: monotonicMs,
    store,
    local: new SharedMemoryStore(smallMemory(), { owner: 1 }),
    liveNodes: () => 1,
    ...LIMITER_DEFAULTS,
    metrics: counted.metrics,
    onError: (error) => {
      throw error;
    },
    ...extra,
  });
  const ask = (client: string, spec: LaneSpec = laneSpec()): Promise<TimedDecision> =>
    new Promise((resolve) => {
      const startMs = monotonicMs();
      const onDecision = (decision: Decision): void => resolve({ decision, tookMs: monotonicMs() - startMs });
      const now = limiter.request(client, limiter.lane(spec), {
        startedMs: startMs,
        onDecision,
        addressName: () => ADDRESS,
      });
      if (now !== undefined) onDecision(now);
    });
  return {
    limiter,
    counted,
    ask,
    async askUntil(done, client = 'client') {
      let slowestMs = 0;
      const modes: Record<string, number> = {};
      using watch = stopwatch();
      while (!done()) {
        const startMs = watch.ms();
        const { decision } = await ask(client);
        slowestMs = Math.max(slowestMs, watch.ms() - startMs);
        modes[decision.mode] = (modes[decision.mode] ?? 0) + 1;
        await quietFor(1, 'what requests of a client leave between them');
      }
      return { slowestMs, modes };
    },
  };
}
