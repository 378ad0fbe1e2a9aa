import { describe, expect, it } from 'vitest';
import { LIMIT_CASES } from './cases.ts';
import type { LimitCase } from './cases.ts';
import type { Measurement } from './measure.ts';
import { auditReport, caseReport, loneReport, ratioToPeer } from './report.ts';
import type { SubjectName } from './subjects.ts';

const [oneKey] = LIMIT_CASES as readonly [LimitCase];
const run = (subject: SubjectName, round: number, proxyUs: number): Measurement => ({
  part: 'one-key',
  subject,
  round,
  proxyUs,
  redisUs: 2,
  totalUs: proxyUs + 2,
  scriptsPerRequest: subject === 'gateway' ? 0.04 : 1,
  requestsPerSecond: 60_000,
  p50Us: 700,
  p99Us: 1200,
  problems: [],
});

describe('caseReport', () => {
  const runs = [
    run('gateway', 1, 14),
    run('nginx + Lua', 1, 30),
    { ...run('gateway', 2, 99), problems: ['Redis was not asked'] },
    run('nginx + Lua', 2, 28),
  ];

  it('adds Redis, gives the ratio of usable rounds and the mean batch', () => {
    const text = caseReport(oneKey, runs);
    expect(text).toMatch(
      /gateway +16\.00 +errors +16\.00 +16\.00–16\.00 +14\.00 \+ 2\.00 +0\.0400 +60000 +0\.70 +1\.20/,
    );
    expect(text).toContain('gateway / nginx + Lua: 0.500 (0.500–0.500); target at most 0.55: met');
    expect(text).toContain('per request: 0.0400 (0.0400–0.0400); target at most 0.1: met');
    expect(text).toContain('requests per script: 25.0');
    expect(text).toContain('not used: gateway, round 2: Redis was not asked');
  });

  it('says when a target is missed', () => {
    expect(caseReport(oneKey, [run('gateway', 1, 28), run('nginx + Lua', 1, 30)])).toContain('0.55: MISSED');
  });

  it('has only its errors for a subject without a usable run', () => {
    const text = caseReport(oneKey, [{ ...run('gateway', 1, 14), problems: ['status errors: 1'] }]);
    expect(text).toMatch(/^gateway +errors$/m);
    expect(text).not.toContain('NaN');
  });

  it('stands alone without the peer', () => {
    const alone = [run('gateway', 1, 14)];
    expect(ratioToPeer(alone)).toBeUndefined();
    expect(caseReport(oneKey, alone)).not.toContain('gateway / nginx');
  });
});

describe('loneReport', () => {
  it('compares what is added with the round trip of the same block', () => {
    const text = loneReport([
      { limitedUs: 300, unlimitedUs: 150, pingUs: 50 },
      { limitedUs: 320, unlimitedUs: 160, pingUs: 40 },
    ]);
    expect(text).toMatch(/added by the limit +155 \(150–160\)/);
    expect(text).toContain('beyond one round trip: 110 (100–120) µs; target at most 200: met');
  });
});

describe('auditReport', () => {
  it('says what was granted of what', () => {
    const seen = { granted: 249, refused: 5000, seconds: 3, allowed: 250, problems: [] };
    expect(auditReport(seen)).toContain('granted 249 of 250.0 (99.6 %), refused 5000: exact');
    expect(auditReport({ ...seen, problems: ['too much'] })).toContain(': too much');
  });
});
