import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SharedMemoryStore } from '../../src/shared/limits/shared-memory-store.ts';
import type { LimitStore, StoreSink, Want } from '../../src/shared/limits/store.ts';
import { TakeSteps } from '../../src/shared/limits/take-steps.ts';
import type { Bucket } from '../../src/shared/limits/token-bucket.ts';
import { rule, setUp, spec, turn } from './held-limiter.ts';
import { smallMemory } from './small-memory.ts';

/* Outages of Redis on a clock of the test: what the script does is done by its twin, which bucket-mirror.test.ts holds to it. */

interface Time {
  ms: number;
}

/** The Redis of several nodes. */
function sharedStore(time: Time): LimitStore & { available: boolean } {
  const kept = new Map<string, Bucket>();
  const steps = (client: string): TakeSteps =>
    new TakeSteps({
      load: (_, key, into) => Object.assign(into, kept.get(client + key)) && kept.has(client + key),
      hasRoom: () => true,
      save: (_, key, bucket) => void kept.set(client + key, { ...bucket }),
    });
  return {
    available: true,
    get isGone() {
      return !this.available;
    },
    take(wants: readonly Want[], _deadlineMs: number, sink: StoreSink) {
      if (!this.available) return sink.settled(wants, 'skipped');
      for (const want of wants) {
        const taken = steps(want.client);
        want.granted = taken.take(want.lane, want, time.ms) ?? 0;
        want.left.splice(0, want.left.length, ...taken.left);
        want.unpaid?.splice(0, want.unpaid.length, ...taken.unpaid);
      }
      sink.settled(wants, undefined);
    },
    close: () => {},
  };
}

interface World {
  readonly nodes: number;
  readonly capacity: number;
  readonly rate: number;
}

/** Nodes that share a Redis and a limit; `ask` sends one request to one of them and says whether it was granted. */
function world({ nodes, capacity, rate }: World) {
  const time: Time = { ms: 1_000_000 };
  const clock = (): number => time.ms;
  const store = sharedStore(time);
  const limiters = Array.from({ length: nodes }, () =>
    setUp({
      store,
      clock,
      liveNodes: () => nodes,
      local: new SharedMemoryStore(smallMemory(), { owner: 1, clock }),
    }),
  );
  const lane = spec({ rules: [rule({ capacity, refillPerSecond: rate })] });
  const ask = async (node: number): Promise<boolean> => {
    const limiter = limiters[node % nodes];
    const decisions = limiter?.ask('client', limiter.limiter.lane(lane));
    if (decisions?.length === 0) await turn();
    return decisions?.[0]?.outcome === 'granted';
  };
  return { time, store, ask };
}

const limits = fc.record({
  nodes: fc.integer({ min: 1, max: 4 }),
  // At least two requests for each node.
  capacity: fc.constantFrom(8, 20, 100),
  rate: fc.constantFrom(1, 10, 20),
});

describe('outages of Redis', () => {
  test.prop([limits, fc.constantFrom(3, 60)], { numRuns: 20 })(
    'a client that is steady at its rate sees no refusal through one and after it',
    async (limit, outageSeconds) => {
      const { time, store, ask } = world(limit);
      const refusedAt: string[] = [];
      let node = 0;
      const steady = async (seconds: number, phase: string): Promise<void> => {
        for (let i = 0; i < seconds * limit.rate; i++) {
          if (!(await ask(node++))) refusedAt.push(`${phase} ${i}`);
          time.ms += 1_000 / limit.rate;
        }
      };
      await steady(5, 'before');
      store.available = false;
      await steady(outageSeconds, 'during');
      store.available = true;
      await steady(10, 'after');
      store.available = false;
      await steady(outageSeconds, 'during the second');
      store.available = true;
      await steady(10, 'after the second');
      expect(refusedAt).toEqual([]);
    },
  );

  const phases = fc.array(fc.tuple(fc.nat(3_000), fc.nat(3_000)), { minLength: 1, maxLength: 5 });
  test.prop([limits, phases], { numRuns: 40 })(
    'a client that asks for all it can gets C + r × t and no request more, when what it owes is charged',
    async (limit, outages) => {
      const { time, store, ask } = world(limit);
      const startMs = time.ms;
      const allowed = (capacities: number): number =>
        capacities * limit.capacity + (limit.rate * (time.ms - startMs)) / 1000;
      let granted = 0;
      let begun = 0; // outages: at each a node's share is rounded once more
      let owed = 0; // when the last of them began
      const greedy = async (ms: number): Promise<void> => {
        const endMs = time.ms + ms;
        while (time.ms < endMs) {
          for (let node = 0; node < limit.nodes; node++) while (await ask(node)) granted++;
          expect(granted).toBeLessThanOrEqual(allowed(2) + owed + limit.nodes * (1 + begun));
          time.ms += 50;
        }
      };
      for (const [upMs, downMs] of outages) {
        await greedy(upMs);
        store.available = false;
        begun++;
        owed = Math.max(0, granted - allowed(1));
        await greedy(downMs);
        store.available = true;
      }
      await greedy(50 + (1_000 * limit.capacity) / limit.rate + 1_000);
      expect(granted).toBeLessThanOrEqual(allowed(1));
      expect(granted).toBeGreaterThanOrEqual(0.8 * allowed(1) - limit.nodes * (1 + begun));
    },
  );
});
