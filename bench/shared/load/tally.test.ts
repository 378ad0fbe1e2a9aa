import { describe, expect, it } from 'vitest';
import type { LoadPlan } from './plan.ts';
import { Tally } from './tally.ts';

const plan = (countStatuses: boolean): LoadPlan => ({
  request: { name: 't', method: 'GET', requestBody: undefined, countStatuses },
  url: 'http://127.0.0.1:1/',
  seconds: 1,
  connections: 1,
  timelineMs: 100,
});

describe('Tally', () => {
  it('knows percentiles to three digits and what each slice saw', () => {
    const tally = new Tally(plan(true), 1000);
    for (let i = 1; i <= 1000; i++) tally.answered(i > 990 ? 429 : 200, i / 10, 1000 + i);
    tally.failed(1250);
    const seen = tally.result(3000);
    const near = (us: number): number => expect.closeTo(us, -2) as number;
    expect(seen).toMatchObject({ requests: 1000, errors: 1, seconds: 2, statuses: { '200': 990, '429': 10 } });
    expect(seen).toMatchObject({ p50Us: near(50_000), p90Us: near(90_000), p99Us: near(99_000), p999Us: near(99_900) });
    expect(seen.timeline[2]).toEqual({ atMs: 200, statuses: { '200': 100 }, errors: 1, p99Us: 29_800, maxUs: 29_900 });
    expect(seen.problems).toEqual(['requests without an answer: 1']);
    expect(seen).not.toHaveProperty('lateP99Us');
  });

  it('takes other statuses for problems unless they are what the run is for', () => {
    const tally = new Tally(plan(false), 0);
    tally.answered(200, 1, 1);
    tally.answered(502, 1, 1);
    tally.late(2);
    expect(tally.result(1000)).toMatchObject({ problems: ['status 502: 1'], lateP99Us: 2000 });
  });

  it('tells what was due in one part of the run from what was due in another', () => {
    const tally = new Tally({ ...plan(true), splitsMs: [500, 800] }, 1000);
    tally.answered(200, 10, 1400);
    tally.answered(200, 300, 1700);
    tally.answered(503, 40, 1700);
    tally.answered(200, 400, 1950);
    tally.answered(200, 5, 1805);
    const near = (us: number): number => expect.closeTo(us, -3) as number;
    expect(tally.result(2000).partsP99Us).toEqual([near(300_000), near(400_000), near(5_000)]);
    const nothing = new Tally({ ...plan(true), splitsMs: [500] }, 0).result(1000);
    expect(nothing.partsP99Us).toEqual([0, 0]);
    expect(new Tally(plan(true), 0).result(1000)).not.toHaveProperty('partsP99Us');
  });

  it('says when nothing was answered', () => {
    expect(new Tally(plan(true), 0).result(1000)).toMatchObject({ p99Us: 0, problems: ['no request was answered'] });
  });
});
