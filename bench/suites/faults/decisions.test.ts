import { describe, expect, it } from 'vitest';
import { decisionLines, parseDecisions } from './decisions.ts';

describe('parseDecisions', () => {
  it('sums rules and outcomes by mode', () => {
    const metrics = `# TYPE rate_limit_decisions_total counter
rate_limit_decisions_total{rule="default",mode="store",outcome="granted"} 10
rate_limit_decisions_total{rule="default",mode="store",outcome="refused"} 2
rate_limit_decisions_total{rule="other",mode="store",outcome="granted"} 1
rate_limit_decisions_total{rule="other",mode="local",outcome="granted"} 1.5e3
rate_limit_decision_wait_seconds_count{mode="store"} 99
`;
    expect(parseDecisions(metrics)).toEqual({ store: 13, local: 1500 });
    expect(parseDecisions('')).toEqual({});
  });
});

describe('decisionLines', () => {
  it('tells decisions a second, only of modes that decided', () => {
    const looks = [
      { atMs: 900, decisions: { store: 100, local: 0, open: 0 } },
      { atMs: 1150, decisions: { store: 200, local: 0, open: 0 } },
      { atMs: 1650, decisions: { store: 200, local: 50, open: 0 } },
    ];
    expect(decisionLines(looks, 1000)).toEqual([
      {
        name: 'store',
        points: [
          [0.15, 400],
          [0.65, 0],
        ],
      },
      {
        name: 'local',
        points: [
          [0.15, 0],
          [0.65, 100],
        ],
      },
    ]);
  });
});
