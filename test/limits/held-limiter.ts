import { compileRule } from '../../src/shared/limits/rule.ts';
import type { RuleSpec } from '../../src/shared/limits/rule.ts';
import type { Decision } from '../../src/shared/limits/decision.ts';
import { SharedMemoryStore } from '../../src/shared/limits/shared-memory-store.ts';
import { LATE } from '../../src/shared/limits/store.ts';
import type { LimitStore, StoreSink, Want } from '../../src/shared/limits/store.ts';
import type { LaneSpec } from '../../src/workers/gateway/limits/limit-lane.ts';
import { Limiter, LIMITER_DEFAULTS } from '../../src/workers/gateway/limits/limiter.ts';
import type { LimiterOptions } from '../../src/workers/gateway/limits/limiter.ts';
import { countedThread } from '../metrics/thread-block.ts';
import { smallMemory } from './small-memory.ts';

/** A store that answers when the test says so: what Redis does, in slow motion. */
class HeldStore implements LimitStore {
  available = true;
  /** What it has not answered in time, oldest first. */
  readonly late: { wants: readonly Want[]; sink: StoreSink }[] = [];
  readonly memory = new SharedMemoryStore(smallMemory(), { owner: 1, clock: () => 0 });
  readonly taken: { wants: readonly Want[]; deadlineMs: number; sink: StoreSink }[] = [];

  take(wants: readonly Want[], deadlineMs: number, sink: StoreSink): void {
    this.taken.push({ wants, deadlineMs, sink });
  }

  get isGone(): boolean {
    return !this.available;
  }

  /** Answers the oldest flush. */
  answer(failure?: string): void {
    const flush = this.taken.shift();
    if (flush === undefined) throw new Error('nothing was sent');
    if (failure === LATE) this.late.push(flush);
    if (failure === undefined) this.memory.take(flush.wants, flush.deadlineMs, flush.sink);
    else flush.sink.settled(flush.wants, failure);
  }

  /** Answers the oldest flush: none of its clients has a bucket, and there is no room. */
  answerNew(): void {
    const flush = this.taken.shift();
    if (flush === undefined) throw new Error('nothing was sent');
    for (const want of flush.wants) want.isNew = true;
    flush.sink.settled(flush.wants, undefined);
  }

  /** Answers the oldest flush that is late, or says what became of it. */
  book(failure?: string): void {
    const flush = this.late.shift();
    if (flush === undefined) throw new Error('nothing is late');
    const { wants, sink } = flush;
    if (failure !== undefined) return sink.booked(wants, failure);
    this.memory.take(wants, 0, { ...sink, settled: () => sink.booked(wants, undefined), booked: () => {} });
  }

  close(): void {}
}

export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export const rule = (spec: Partial<RuleSpec> = {}) =>
  compileRule({ name: '', capacity: 10, refillPerSecond: 1, ...spec });
export const spec = (extra: Partial<LaneSpec> = {}): LaneSpec => ({
  rules: [rule()],
  cost: 1,
  onStoreFailure: 'local',
  leaseTokens: 0,
  shadow: false,
  ...extra,
});

/** A limiter over a held store, on a clock that the test sets. */
export function setUp(extra: Partial<LimiterOptions> = {}) {
  const store = new HeldStore();
  const time = { ms: 1_000 };
  const counted = countedThread();
  const errors: unknown[] = [];
  const limiter = new Limiter({
    clock: () => time.ms,
    store,
    local: new SharedMemoryStore(smallMemory(), { owner: 1, clock: () => time.ms }),
    liveNodes: () => 1,
    ...LIMITER_DEFAULTS,
    metrics: counted.metrics,
    onError: (error) => errors.push(error),
    ...extra,
  });
  /** Asks and collects the decision, whether it comes at once or later. */
  const ask = (client: string, lane = limiter.lane(spec())): Decision[] => {
    const decisions: Decision[] = [];
    const now = limiter.request(client, lane, {
      startedMs: time.ms,
      addressName: () => '192.0.2.1',
      onDecision: (decision) => decisions.push(decision),
    });
    if (now !== undefined) decisions.push(now);
    return decisions;
  };
  return { store, time, counted, errors, limiter, ask };
}
