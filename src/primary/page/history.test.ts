import { expect, test } from 'vitest';
import { History, HISTORY_SECONDS } from './history.ts';
import { Totals } from './totals.ts';

const GAUGES = { inFlight: 3, connections: 7, loop: 0.25 };

/** A history whose clock began a while ago, and totals that a test counts up. */
function setUp(startMs = 100_000) {
  const history = new History(startMs);
  const totals = new Totals();
  let nowMs = startMs;
  const second = (requests: number, bucket = 0, passedMs = 1_000): void => {
    nowMs += passedMs;
    totals.requests += requests;
    totals.durations[bucket] = (totals.durations[bucket] ?? 0) + requests;
    history.add(totals, GAUGES, nowMs);
  };
  return { history, totals, second };
}

test('each second holds the rates of what was counted in it', () => {
  const { history, totals, second } = setUp();
  totals.errors5xx = 4;
  second(10);
  second(20);
  expect(history.series(3, 1).series).toMatchObject({
    requests: [null, 10, 20],
    errors5xx: [null, 4, 0],
    inFlight: [null, 3, 3],
  });
  expect(history.last('requests')).toBe(20);
  expect(history.sum('requests', 60)).toBe(30);
});

test('percentiles are of the requests of that second alone, and none without one', () => {
  const { history, second } = setUp();
  second(100, 3);
  second(100, 9);
  second(0);
  const { p50, p99 } = history.series(3, 1).series;
  expect(p50).toEqual([expect.closeTo(0.000_75, 5), expect.closeTo(0.075, 3), null]);
  expect(p99[2]).toBeNull();
});

test('steps are means of rates, and the worst of what is a problem when it is high', () => {
  const { history, second } = setUp(119_000);
  for (const bucket of [3, 9, 3, 3]) second(10, bucket);
  second(50, 3);
  const { series, lastStep } = history.series(5, 5);
  expect(lastStep).toBe(120);
  expect(series.requests).toEqual([18]);
  expect(series.p99[0]).toBeGreaterThan(0.025);
  expect(series.p50[0]).toBeLessThan(0.02);
});

test('a front that came late fills the seconds between with the same rate', () => {
  const { history, second } = setUp();
  second(10);
  second(30, 0, 3_000);
  expect(history.series(4, 1).series.requests).toEqual([10, 10, 10, 10]);
});

test('a machine that slept leaves a gap', () => {
  const { history, second } = setUp();
  second(10);
  second(30, 0, 60_000);
  expect(history.series(8, 1).series.requests.slice(0, 3)).toEqual([null, null, null]);
});

test('after an hour of silence the hour is of silence, and the ring goes on', () => {
  const { history, second } = setUp();
  second(1_000);
  for (let i = 0; i < HISTORY_SECONDS; i++) second(0);
  expect(history.sum('requests', HISTORY_SECONDS)).toBe(0);
  second(5);
  const { requests } = history.series(HISTORY_SECONDS, 20).series;
  expect(requests).toHaveLength(180);
  expect(requests.at(-1)).toBeGreaterThan(0);
});
