import { expect, test } from 'vitest';
import { configOf } from '../../shared/config/test-reading.ts';
import { shedColumn } from '../../shared/metrics/layout.ts';
import { LOW, NORMAL } from '../../shared/overload/priority.ts';
import { MetricMemory } from '../metrics/metric-memory.ts';
import { ShedWatch } from './shed-watch.ts';

test('what was refused in the last minute is told by its reason, over all threads and priorities, and then forgotten', () => {
  const memory = new MetricMemory(2, configOf({ UPSTREAM_URL: 'http://127.0.0.1:1' }));
  const add = (slot: number, column: number, count: number): void => {
    const block = memory.blocks[slot] as Float64Array;
    block[column] = (block[column] ?? 0) + count;
  };
  add(0, shedColumn('loop', LOW), 1_000); // before it looked
  const front = { refusedByRate: 3 };
  const watch = new ShedWatch({ memory, front });
  expect(watch.lastMinute()).toEqual({ upstream: 0, client: 0, loop: 0, connections: 0 });
  add(0, shedColumn('upstream', NORMAL), 4);
  add(1, shedColumn('upstream', LOW), 2);
  add(1, shedColumn('client', NORMAL), 1);
  add(1, shedColumn('loop', LOW), 7);
  front.refusedByRate = 8;
  expect(watch.lastMinute()).toEqual({ upstream: 6, client: 1, loop: 7, connections: 5 });
  for (let look = 0; look < 11; look++) watch.look();
  expect(watch.lastMinute()).toEqual({ upstream: 6, client: 1, loop: 7, connections: 5 });
  watch.look();
  expect(watch.lastMinute()).toEqual({ upstream: 0, client: 0, loop: 0, connections: 0 });
  watch.close();
});
