import { describe, expect, it } from 'vitest';
import { recordMeasures, recordRatio } from './figures.ts';
import type { CaseRuns } from './load-case.ts';
import type { MeasuredRun } from './measured-run.ts';
import type { Measure, Ratio } from './result.ts';
import { runOf } from './run.fixture.ts';
import type { Recorder } from './suite.ts';

function recorder(): Recorder & { readonly measures: Measure[]; readonly ratios: Ratio[] } {
  const [measures, ratios]: [Measure[], Ratio[]] = [[], []];
  const nothing = (): void => {};
  return {
    measures,
    ratios,
    measure: (one) => void measures.push(one),
    ratio: (one) => void ratios.push(one),
    check: nothing,
    chart: nothing,
    cpuShare: nothing,
    note: nothing,
    tool: nothing,
    method: nothing,
    progress: nothing,
  };
}

const caseOf = (...runs: MeasuredRun[]): CaseRuns => ({
  title: 'GET',
  subjects: [],
  runs,
  ceilingPerSecond: 100_000,
  onLoadCore: [],
});

const seen = caseOf(
  runOf('gateway', 1, { totalUs: 12 }),
  runOf('HAProxy', 1, { totalUs: 10 }),
  runOf('gateway', 2, { totalUs: 99, problems: ['status 502: 1'] }),
  runOf('HAProxy', 2, { totalUs: 11 }),
);

describe('recordMeasures', () => {
  it('has a sample for each usable round of each subject', () => {
    const record = recorder();
    recordMeasures(record, seen, ['cpu-per-request', 'p99']);
    expect(record.measures.map(({ subject, metric, samples }) => [subject, metric, samples])).toEqual([
      ['gateway', 'cpu-per-request', [12]],
      ['gateway', 'p99', [1.2]],
      ['HAProxy', 'cpu-per-request', [10, 11]],
      ['HAProxy', 'p99', [1.2, 1.2]],
    ]);
  });

  it('knows no CPU time of what is not ours', () => {
    const record = recorder();
    const foreign = { name: 'gateway', url: '', processes: [] };
    recordMeasures(record, { ...caseOf(runOf('gateway', 1)), subjects: [foreign] }, ['cpu-per-request', 'p50']);
    expect(record.measures.map(({ metric }) => metric)).toEqual(['p50']);
  });

  it('says nothing of a subject without a usable run', () => {
    const record = recorder();
    recordMeasures(record, caseOf(runOf('gateway', 1, { problems: ['x'] })), ['p50']);
    expect(record.measures).toEqual([]);
  });
});

describe('recordRatio', () => {
  const ratio = (runs: CaseRuns, metric: 'cpu-per-request' | 'throughput', against = 'HAProxy'): Ratio[] => {
    const record = recorder();
    recordRatio(record, runs, { subject: 'gateway', against, metric, target: 1.15 });
    return record.ratios;
  };

  it('takes the ratio within each round that both have', () => {
    expect(ratio(seen, 'cpu-per-request')).toEqual([
      {
        case: 'GET',
        subject: 'gateway',
        against: 'HAProxy',
        metric: 'cpu-per-request',
        better: 'lower',
        target: 1.15,
        samples: [1.2],
      },
    ]);
  });

  it('refuses speed and not CPU when the load was the limit for either', () => {
    const busyCores = { HAProxy: 0.6, load: 0.99 };
    const limited = caseOf(runOf('gateway', 1), runOf('HAProxy', 1, { busyCores }));
    const [refused] = ratio(limited, 'throughput');
    expect(refused?.samples).toEqual([]);
    expect(refused?.refused).toContain('HAProxy: the load generator was 99 % busy');
    expect(ratio(limited, 'cpu-per-request')[0]).toMatchObject({ samples: [1] });
  });

  it('does not hold the ceiling against itself', () => {
    const busyCores = { direct: 0.99, load: 0.7 };
    const near = caseOf(runOf('gateway', 1), runOf('HAProxy', 1, { requestsPerSecond: 99_999, busyCores }));
    expect(ratio(near, 'throughput')[0]?.refused).toContain('HAProxy: 99999 req/s');
    const straight = { name: 'HAProxy', url: '', processes: [], straight: true } as const;
    expect(ratio({ ...near, subjects: [straight] }, 'throughput')[0]?.refused).toBeUndefined();
  });

  it('says when no round can be used, and nothing of who did not take part', () => {
    const broken = caseOf(runOf('gateway', 1, { problems: ['x'] }), runOf('HAProxy', 1));
    expect(ratio(broken, 'cpu-per-request')[0]?.refused).toBe('no round that both can be used in');
    expect(ratio(seen, 'cpu-per-request', 'nginx')).toEqual([]);
  });
});
