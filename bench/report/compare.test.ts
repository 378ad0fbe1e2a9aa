import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { BenchResult, Measure } from '../shared/result.ts';
import { compareResults, IncomparableError } from './compare.ts';
import { renderComparison } from './compare-text.ts';
import { costFixture } from './result.fixture.ts';

const withSamples = (samples: number[], better: Measure['better'] = 'lower'): BenchResult => ({
  ...costFixture,
  measures: [{ case: 'GET', subject: 'gateway', metric: 'cpu-per-request', unit: 'µs', better, samples }],
  ratios: [],
});

const verdictOf = (before: number[], after: number[], better: Measure['better'] = 'lower'): string | undefined =>
  compareResults(withSamples(before, better), withSamples(after, better)).figures[0]?.verdict;

const LOW = [20.1, 20.4, 19.8, 20.2, 20.0];
const HIGH = [22.1, 22.4, 21.8, 22.2, 22.0];

describe('compareResults', () => {
  it('tells better from worse by what is better', () => {
    expect(verdictOf(LOW, HIGH)).toBe('worse');
    expect(verdictOf(HIGH, LOW)).toBe('better');
    expect(verdictOf(LOW, HIGH, 'higher')).toBe('better');
    expect(verdictOf(LOW, HIGH, 'neither')).toBe('changed');
  });

  it('sees no change where the spreads overlap much, and cannot tell from three rounds', () => {
    expect(verdictOf(LOW, [19.9, 20.3, 20.6, 19.7, 20.5])).toBe('within the noise');
    expect(verdictOf(LOW.slice(0, 3), HIGH.slice(0, 3))).toBe('too few rounds');
    expect(verdictOf([0, 0, 0, 0, 0], [0, 0, 0, 0, 0])).toBe('within the noise');
  });

  const samples = fc.array(
    fc.nat(10_000).map((x) => x / 100),
    { minLength: 1, maxLength: 8 },
  );
  test.prop([samples, samples, fc.constantFrom('lower', 'higher', 'neither')])('is symmetrical', (a, b, better) => {
    const there = compareResults(withSamples(a, better), withSamples(b, better));
    const back = compareResults(withSamples(b, better), withSamples(a, better));
    const [forth] = there.figures;
    const [reverse] = back.figures;
    const opposite = new Map([
      ['better', 'worse'],
      ['worse', 'better'],
    ]);
    const swapped = opposite.get(forth?.verdict ?? '') ?? forth?.verdict;
    expect(reverse?.verdict).toBe(swapped);
    expect(reverse?.p).toBeCloseTo(forth?.p ?? 0, 12);
    expect(there.worse.length).toBe(back.better.length);
    if (forth?.change !== undefined) expect((reverse?.change ?? 0) * forth.change).toBeCloseTo(1, 9);
  });

  test.prop([fc.integer({ min: 0, max: 2 ** 31 })])('a result differs in nothing from itself, in any order', (seed) => {
    const turned = costFixture.measures.toSorted(
      (a, b) => ((a.samples.length * seed) % 7) - ((b.samples.length * seed) % 5),
    );
    const { worse, better, onlyAfter, onlyBefore, figures } = compareResults(costFixture, {
      ...costFixture,
      measures: turned,
    });
    expect([worse, better, onlyAfter, onlyBefore]).toEqual([[], [], [], []]);
    expect(figures).toHaveLength(costFixture.measures.length + 3); // and the ratios that were not refused
  });

  it('names what only one of them has', () => {
    const other = withSamples(LOW);
    const { onlyBefore, onlyAfter } = compareResults(costFixture, other);
    expect(onlyAfter).toEqual(['GET, gateway, cpu-per-request']);
    expect(onlyBefore).toHaveLength(costFixture.measures.length + 3);
  });

  it('refuses another suite and another schema', () => {
    expect(() => compareResults(costFixture, { ...costFixture, suite: 'limits' })).toThrow(
      'different suites: cost and limits',
    );
    const old = { ...costFixture, schema: 'resilient-api-gateway/bench@0' } as unknown as BenchResult;
    expect(() => compareResults(old, costFixture)).toThrow(IncomparableError);
  });

  it('warns of another machine, Node.js, option, program, method, and of load', () => {
    const { warnings } = compareResults(costFixture, {
      ...costFixture,
      machine: { ...costFixture.machine, cpu: 'Other', node: 'v24.1.0', loadBefore: 1.4 },
      options: { connections: 8, workers: 1, miniature: true },
      tools: { wrk: '4.1.0', HAProxy: '3.0.0' },
      method: { ...costFixture.method, rounds: 3, loadCeilingPerSecond: 5 },
    });
    expect(warnings).toEqual([
      'machine differs, cpu: Imaginary CPU @ 2.60GHz before, Other after',
      'machine differs, node: v20.20.0 before, v24.1.0 after',
      'option differs, connections: 64 before, 8 after',
      'option differs, miniature: none before, true after',
      'program differs, HAProxy: 2.6.12 before, 3.0.0 after',
      'program differs, nginx: 1.22.1 before, none after',
      'method differs, rounds: 5 before, 3 after',
      'the machine was busy when the run after began: load 1.4',
      'after is a miniature run: its figures mean nothing',
    ]);
  });
});

it('renderComparison says it in a table and a sentence', () => {
  const text = renderComparison(compareResults(withSamples(LOW), { ...withSamples(HIGH), commit: 'b'.repeat(40) }));
  expect(text.split('\n')).toEqual([
    'cost: 1b6a1ee0f3 -> bbbbbbbbbb',
    expect.stringMatching(/^verdict +change +p +before/),
    expect.stringMatching(
      /^worse +\+10\.0 % +0\.0079 +20\.10 \(19\.80–20\.40\) +22\.10 \(21\.80–22\.40\) +GET, gateway, CPU per request, µs$/,
    ),
    '1 worse, 0 better of 1 judged at p ≤ 0.01 (about 0.0 of them would differ by chance alone)',
  ]);
});
