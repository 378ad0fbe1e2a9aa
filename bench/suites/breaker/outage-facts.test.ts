import { describe, expect, it } from 'vitest';
import type { TimeSlice } from '../../shared/load/plan.ts';
import { factsOf, firstOfEach, mostProbes } from './outage-facts.ts';
import type { Outage, Transition } from './outage.ts';
import type { Call } from './protocol.ts';

const breaker = { resetMs: 1000, permits: 2 };
const to = (node: number, atMs: number, to: string): Transition => ({ node, atMs, to });
const call = (startMs: number, endMs: number, status = 200): Call => ({ startMs, endMs, status });
const slice = (atMs: number, statuses: Record<string, number>): TimeSlice => ({
  atMs,
  statuses,
  errors: 0,
  p99Us: 0,
  maxUs: 0,
});

describe('firstOfEach', () => {
  const transitions = [to(0, 5, 'OPEN'), to(0, 20, 'OPEN'), to(1, 30, 'OPEN'), to(0, 90, 'OPEN'), to(1, 25, 'CLOSED')];

  it('takes the first of each node from the moment on', () => {
    expect(firstOfEach({ transitions, nodes: 2 }, 'OPEN', 10)).toEqual({ firstMs: 20, lastMs: 30 });
  });

  it('is undefined while a node is missing', () => {
    expect(firstOfEach({ transitions, nodes: 3 }, 'OPEN', 10)).toBeUndefined();
    expect(firstOfEach({ transitions, nodes: 2 }, 'OPEN', 40)).toBeUndefined();
  });
});

describe('mostProbes', () => {
  const window = { fromMs: 100, returnedMs: 200, breaker };

  it('counts what overlaps, until the upstream has answered what closes the breaker', () => {
    const before = [call(10, 90), call(11, 91), call(12, 92)];
    const probes = [call(120, 125, 500), call(121, 126, 500), call(220, 240), call(221, 241)];
    const closed = [call(242, 260), call(243, 261), call(244, 262)];
    expect(mostProbes([...before, ...probes, ...closed], window)).toBe(2);
  });

  it('sees one too many', () => {
    expect(mostProbes([call(220, 240), call(221, 241), call(222, 242)], window)).toBe(3);
    expect(mostProbes([call(120, 125, 500), call(121, 126, 500), call(122, 127, 500)], window)).toBe(3);
  });

  it('does not take calls one after the other for calls at once', () => {
    expect(mostProbes([call(120, 125, 500), call(125, 130, 500)], window)).toBe(1);
  });
});

describe('factsOf', () => {
  const timeline = [
    slice(90, { '200': 3 }),
    slice(102, { '500': 4 }),
    slice(111, { '500': 2, '503': 1 }),
    slice(1115, { '500': 2, '503': 1 }),
    slice(2250, { '200': 1 }),
  ];
  const outage: Outage = {
    seen: {
      requests: 14,
      statuses: { '200': 4, '500': 8, '503': 2 },
      errors: 0,
      seconds: 3,
      p50Us: 1,
      p90Us: 1,
      p99Us: 1,
      p999Us: 1,
      maxUs: 1,
      busyCores: 0,
      timeline,
      problems: [],
    },
    startedMs: 10_000,
    failedMs: 10_100,
    returnedMs: 12_200,
    nodes: 2,
    transitions: [to(0, 10_110, 'OPEN'), to(1, 10_113, 'OPEN'), to(0, 12_300, 'CLOSED'), to(1, 12_290, 'CLOSED')],
    calls: [call(10_101, 10_102, 500), call(10_111, 10_112, 500), call(11_112, 11_114, 500), call(12_230, 12_240)],
  };

  it('tells times from the failure and the return, and leaks from probes', () => {
    expect(factsOf(outage, '500', breaker)).toEqual({
      firstOpenMs: 10,
      allOpenMs: 13,
      failedAnswers: 8,
      leaked: 1,
      failedProbes: 2,
      refused: 2,
      firstGoodMs: 50,
      allClosedMs: 100,
      mostProbes: 1,
    });
  });

  it('counts leaks by the answers of clients where the upstream is dead', () => {
    expect(factsOf(outage, '502', breaker).leaked).toBe(0);
  });

  it('says nothing about what did not happen', () => {
    const facts = factsOf({ ...outage, transitions: [] }, '500', breaker);
    expect(facts).toMatchObject({ firstOpenMs: undefined, leaked: undefined, allClosedMs: undefined });
  });
});
