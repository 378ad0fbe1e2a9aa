import { describe, expect, it } from 'vitest';
import { COST_CASES } from './cases.ts';
import type { CostCase } from './cases.ts';
import type { Measurement } from './measure.ts';
import { caseReport, profileReport, ratioTo } from './report.ts';
import type { SubjectName } from './subjects.ts';

const [get] = COST_CASES as readonly [CostCase];
const run = (subject: SubjectName, round: number, totalUs: number): Measurement => ({
  costCase: 'get',
  subject,
  round,
  userUs: totalUs / 4,
  systemUs: (totalUs / 4) * 3,
  totalUs,
  requestsPerSecond: 80_000,
  busyCores: 0.95,
  p50Us: 700,
  p99Us: 1200,
  problems: [],
});

describe('caseReport', () => {
  const runs = [
    run('gateway', 1, 12),
    run('haproxy', 1, 10),
    { ...run('gateway', 2, 99), problems: ['status errors: 1'] },
    run('haproxy', 2, 11),
  ];

  it('shows rounds, medians and the ratio, and does not use a run with errors', () => {
    const text = caseReport(get, runs);
    expect(text).toMatch(/gateway +12\.00 +errors +12\.00 +12\.00–12\.00 +3\.00 \+ 9\.00 +80000 +95\.0% +0\.70 +1\.20/);
    expect(text).toMatch(/haproxy +10\.00 +11\.00 +10\.50 /);
    expect(text).toContain('not used: gateway, round 2: status errors: 1');
    expect(text).toContain('gateway / haproxy: 1.200 (1.200–1.200); target at most 1.15: MISSED');
    expect(text).not.toContain('gateway / nginx');
  });

  it('says when the target is met', () => {
    expect(caseReport(get, [run('gateway', 1, 11), run('haproxy', 1, 10)])).toContain('1.15: met');
  });

  it('has no ratio without a usable pair', () => {
    expect(ratioTo('nginx', runs)).toBeUndefined();
  });
});

describe('profileReport', () => {
  it('lists the 25 dearest frames', () => {
    const costs = Array.from({ length: 40 }, (_, i) => ({ frame: `frame${i}`, selfUs: 4000 - i, share: 0.025 }));
    const text = profileReport(costs);
    expect(text).toContain('frame24');
    expect(text).not.toContain('frame25');
  });
});
