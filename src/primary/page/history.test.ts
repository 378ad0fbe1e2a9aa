import { expect, test } from 'vitest';
import { History } from './history.ts';
import { ChartRows, parseStep, stepText } from './steps.ts';
import type { Step, StepSize } from './steps.ts';
import { Totals } from './totals.ts';

const GAUGES = { inFlight: 3, connections: 7, loop: 0.25 };

/** A history whose clock began a while ago, and totals that a test counts up. */
function setUp(startMs = 100_000) {
  const told: [StepSize, Step][] = [];
  const history = new History(startMs, (size, step) => told.push([size, step]));
  const totals = new Totals();
  let nowMs = startMs;
  const second = (requests: number, bucket = 0, passedMs = 1_000): void => {
    nowMs += passedMs;
    totals.requests += requests;
    totals.durations[bucket] = (totals.durations[bucket] ?? 0) + requests;
    history.add(totals, GAUGES, nowMs);
  };
  const series = (size: StepSize, ...starts: number[]) =>
    new ChartRows().series(starts, (at) => [history.at(size, at)].filter((step) => step !== undefined));
  return { history, totals, second, series, told };
}

test('each second holds the rates of what was counted in it', () => {
  const { history, totals, second, series } = setUp();
  totals.errors5xx = 4;
  second(10);
  second(20);
  expect(series(1, 100, 101, 102)).toMatchObject({
    requests: [null, 10, 20],
    errors5xx: [null, 4, 0],
    inFlight: [null, 3, 3],
  });
  expect(history.last()?.requests).toBe(20);
  expect(history.sum('requests', 60)).toBe(30);
});

test('percentiles are of the requests of that second alone, and none without one', () => {
  const { second, series } = setUp();
  second(100, 3);
  second(100, 9);
  second(0);
  const { p50, p99 } = series(1, 101, 102, 103);
  expect(p50).toEqual([expect.closeTo(0.000_75, 5), expect.closeTo(0.075, 3), null]);
  expect(p99[2]).toBeNull();
});

test('steps are means of rates, of the seconds that are known, also while they last', () => {
  const { second, series, told } = setUp(119_000);
  for (const bucket of [3, 9, 3, 3]) second(10, bucket);
  expect(series(5, 115, 120).requests).toEqual([null, 10]);
  second(50, 3);
  expect(series(5, 120).requests).toEqual([18]);
  expect(series(5, 120).p99[0]).toBeGreaterThan(0.025);
  expect(series(20, 120).requests).toEqual([18]);
  expect(told.filter(([size]) => size !== 1).map(([size, { at, seconds }]) => [size, at, seconds])).toEqual([
    [5, 120, 5],
  ]);
});

test('a front that came late fills the seconds between with the same rate', () => {
  const { second, series } = setUp();
  second(10);
  second(30, 0, 3_000);
  expect(series(1, 101, 102, 103, 104).requests).toEqual([10, 10, 10, 10]);
});

test('a machine that slept leaves a gap', () => {
  const { second, series } = setUp();
  second(10);
  second(30, 0, 60_000);
  expect(series(1, 101, 102, 155, 157, 161).requests).toEqual([10, null, null, 0.5, 0.5]);
});

test('a clock that is set back is waited for a little, and else begins anew there', () => {
  const { second, series, history } = setUp();
  second(10);
  second(10, 0, -2_000);
  expect(history.second).toBe(101);
  second(10, 0, -50_000);
  second(4);
  expect(history.second).toBe(50);
  expect(series(1, 49, 50).requests).toEqual([20, 4]);
});

test('after an hour of silence the hour is of silence, and the rings go on', () => {
  const { history, second, series } = setUp();
  second(1_000);
  for (let i = 0; i < 4_100; i++) second(0);
  expect(history.sum('requests', 60)).toBe(0);
  second(5);
  expect(series(20, 100, 300, 4_180, 4_200).requests).toEqual([null, 0, 0, 1.667]);
  expect(history.all().length).toBeLessThanOrEqual(480);
});

test('steps of several nodes are one: rates add up, percentiles are of all requests', () => {
  const [one, two] = [setUp(), setUp()];
  one.second(99, 3);
  two.second(1, 12);
  const both = [one.history.at(1, 101), two.history.at(1, 101)].filter((step) => step !== undefined);
  const { requests, p50, p95, p99, inFlight, loop } = new ChartRows().series([101], () => both);
  expect([requests, inFlight, loop]).toEqual([[100], [6], [0.25]]);
  expect([p50[0], p95[0], p99[0]].every((value) => Number(value) <= 0.001)).toBe(true);
  two.second(9, 12);
  expect(
    new ChartRows().series([102], () => [two.history.at(1, 102)].filter((step) => step !== undefined)).p50[0],
  ).toBeGreaterThan(0.5);
});

test('a step is read back as it was written, and what is no step is none', () => {
  const { history, totals, second } = setUp();
  totals.bytesSent = 1_234;
  second(3, 4);
  const step = history.at(1, 101);
  if (step === undefined) throw new Error('there is one');
  expect(parseStep(stepText(step))).toEqual(step);
  for (const text of ['', 'x', '1 2 3', stepText(step).replace('101', 'NaN'), `${stepText(step)} 1`, '-1'.repeat(12)]) {
    expect([text, parseStep(text)]).toEqual([text, undefined]);
  }
  expect(parseStep(stepText(step).replace('4:3', '99:3,4:-1,x:y,3:Infinity'))?.durations.every((n) => n === 0)).toBe(
    true,
  );
});

test('rows that were worked out once follow the step that lasts, and steps that come late', () => {
  const { history, second } = setUp();
  const other = setUp();
  const rows = new ChartRows();
  let late = false;
  const read = (): (number | null)[] =>
    rows.series([100, 105], (at) =>
      [history.at(5, at), late ? other.history.at(5, at) : undefined].filter((step) => step !== undefined),
    ).requests;
  second(10);
  expect(read()).toEqual([10, null]);
  second(20);
  expect(read()).toEqual([15, null]);
  for (let i = 0; i < 4; i++) {
    second(15);
    other.second(4);
  }
  expect(read()).toEqual([15, 15]);
  late = true;
  expect(read()).toEqual([19, 15]);
});
