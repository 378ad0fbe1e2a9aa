import { describe, expect, test } from 'vitest';
import { countedThread, observations, ROWS } from '../../../../test/metrics/thread-block.ts';
import { BATCH_SIZE_EDGES, bucketOf, DURATION_EDGES_SECONDS } from '../../../shared/metrics/histogram.ts';
import {
  createMetricMemory,
  OTHER_ROW,
  ROUTE,
  rowStart,
  STATUS_CLASSES,
  THREAD,
} from '../../../shared/metrics/layout.ts';
import { statusClass } from './status-class.ts';
import { ThreadMetrics } from './thread-metrics.ts';

describe('what a thread counts', () => {
  test('lies in its own block and nowhere else', () => {
    const memory = createMetricMemory(2);
    const metrics = new ThreadMetrics({ metrics: memory, slot: 1, metricRows: ROWS });
    metrics.add(THREAD.redisCommands);
    metrics.add(THREAD.redisCommands, 2);
    metrics.set(THREAD.heapUsedBytes, 5);
    const numbers = new Float64Array(memory);
    expect([...numbers].filter((value) => value !== 0)).toEqual([3, 5]);
    expect(numbers.findIndex((value) => value !== 0)).toBeGreaterThanOrEqual(numbers.length / 2);
  });

  test('goes on in the slot of a thread that has gone', () => {
    const memory = createMetricMemory(1);
    const first = countedThread(memory);
    first.metrics.add(THREAD.connectionsAccepted, 4);
    first.metrics.addSeconds(THREAD.decisionWait, 0.003);
    const second = countedThread(memory);
    second.metrics.add(THREAD.connectionsAccepted);
    second.metrics.addSeconds(THREAD.decisionWait, 0.003);
    expect(second.at(THREAD.connectionsAccepted)).toBe(5);
    expect(observations(second, THREAD.decisionWait, DURATION_EDGES_SECONDS)).toBe(2);
  });

  test('a row is where the newest configuration says, and (other) for a name without one', () => {
    const { metrics } = countedThread();
    expect(metrics.startOf('route', 'all')).toBe(rowStart('route', 3));
    expect(metrics.startOf('route', 'new')).toBe(rowStart('route', OTHER_ROW));
    metrics.configure({ ...ROWS, route: { all: 3, new: 4 } });
    expect(metrics.startOf('route', 'new')).toBe(rowStart('route', 4));
    expect(metrics.startOf('route', 'constructor')).toBe(rowStart('route', OTHER_ROW));
  });

  test('an observation is in the bucket whose edge it does not exceed, and in the sum', () => {
    const { metrics, at } = countedThread();
    const start = rowStart('route', 3) + ROUTE.duration;
    for (const seconds of [0, 0.001, 0.0011, 10, 11]) metrics.addSeconds(start, seconds);
    const bucket = (edge: number): number => at(start + DURATION_EDGES_SECONDS.findIndex((each) => each === edge));
    expect([bucket(0.0001), bucket(0.001), bucket(0.0025), bucket(10)]).toEqual([1, 1, 1, 1]);
    expect(at(start + DURATION_EDGES_SECONDS.length)).toBe(1);
    expect(at(start + DURATION_EDGES_SECONDS.length + 1)).toBeCloseTo(21.0021);
  });

  test('batches by their size', () => {
    const { metrics, at } = countedThread();
    for (const size of [1, 2, 3, 512, 513]) metrics.addBatch(size);
    const counts = BATCH_SIZE_EDGES.map((_, i) => at(THREAD.batchSize + i));
    expect([...counts, at(THREAD.batchSize + 10)]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(bucketOf(513, BATCH_SIZE_EDGES)).toBe(10);
  });
});

test.each([
  [0, 'none'],
  [101, '1xx'],
  [204, '2xx'],
  [399, '3xx'],
  [429, '4xx'],
  [500, '5xx'],
  [599, '5xx'],
  [999, '5xx'],
])('status %i is of class %s', (status, name) => {
  expect(STATUS_CLASSES[statusClass(status)]).toBe(name);
});
