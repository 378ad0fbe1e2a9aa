import { expect, test } from 'vitest';
import { MemoryStoreHost } from '../../src/primary/limits/memory-store-host.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { Deadlines } from '../../src/workers/gateway/limits/deadlines.ts';
import { PortStore } from '../../src/workers/gateway/limits/port-store.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';

const connect = (host: MemoryStoreHost, timeoutMs = 1_000) => {
  const store = new PortStore(host.connect(), new Deadlines({ clock: monotonicMs }));
  return openLimiter(store, { timeoutMs });
};

test('threads over their own ports share one bucket, exactly', async () => {
  const host = new MemoryStoreHost({ clock: monotonicMs });
  const threads = [connect(host), connect(host), connect(host)];
  const spec = laneSpec({ capacity: 100, refillPerSecond: 1e-6 });
  const decisions = await Promise.all(
    Array.from(
      { length: 300 },
      (_, i) => threads[i % 3]?.ask('client', spec) ?? Promise.reject(new Error('no thread')),
    ),
  );
  expect(decisions.filter(({ decision }) => decision.outcome === 'granted')).toHaveLength(100);
  for (const { limiter } of threads) await limiter.close();
  host.close();
});

test('a front that does not answer costs no more than the deadline', async () => {
  const host = new MemoryStoreHost({ clock: monotonicMs });
  const thread = connect(host, 20);
  await thread.ask('client');
  const asked = thread.ask('client');
  await new Promise((resolve) => void setImmediate(resolve)); // sent
  host.close(); // and gone
  expect((await asked).decision.mode).toBe('local');
  const after = await thread.ask('client');
  expect(after.decision.mode).toBe('local');
  expect(after.tookMs).toBeLessThan(20);
  await thread.limiter.close();
});
