import { expect, test } from 'vitest';
import { openLimiter } from './open-limiter.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { openRedisStore } from './stores.ts';
import { stopwatch } from '../support/wait.ts';

test('Sentinel: after a failover the promoted replica decides, from the level it has', async () => {
  await using sentinel = await startSentinel();
  const opened = await openRedisStore({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'main' });
  const asked = openLimiter(opened.store, { timeoutMs: 500 });
  for (let i = 0; i < 10; i++) expect((await asked.ask('client')).decision.mode).toBe('store');
  await sentinel.caughtUp();
  sentinel.primary.kill('SIGKILL');
  await asked.askUntil(() => opened.changes.length > 1); // the connection is lost
  using watch = stopwatch();
  const { slowestMs, modes } = await asked.askUntil(() => opened.store.state.kind === 'up' || watch.ms() > 20_000);
  expect(Object.keys(modes)).toEqual(['local']);
  expect(modes['local']).toBeGreaterThan(5); // asked one after the other: nobody waits for the failover
  expect(slowestMs).toBeLessThan(1_000);
  const { decision } = await asked.ask('client');
  expect(decision.mode).toBe('store');
  expect(decision.remaining).toBeLessThan(1_000_000 - 8);
  await asked.limiter.close();
});
