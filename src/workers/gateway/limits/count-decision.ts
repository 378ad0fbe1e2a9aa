import type { Decision, DecisionMode, LimitOutcome } from '../../../shared/limits/decision.ts';
import { decisionColumn, LIMIT_OUTCOMES } from '../../../shared/metrics/layout.ts';
import type { LIMIT_MODES } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { LimitLane } from './limit-lane.ts';

/** The first of a mode's columns. */
const modeColumn = (mode: (typeof LIMIT_MODES)[number]): number => decisionColumn(mode, LIMIT_OUTCOMES[0]);

const MODE: Readonly<Record<DecisionMode, number>> = {
  store: modeColumn('store'),
  cache: modeColumn('cache'),
  lease: modeColumn('lease'),
  local: modeColumn('local'),
  open: modeColumn('open'),
  closed: modeColumn('closed'),
};
const SHADOW = modeColumn('shadow');

const OUTCOME: Readonly<Record<LimitOutcome, number>> = {
  granted: LIMIT_OUTCOMES.indexOf('granted'),
  refused: LIMIT_OUTCOMES.indexOf('refused'),
  unavailable: LIMIT_OUTCOMES.indexOf('unavailable'),
};

/** Counts a decision in the row of its rule, which is one of the lane's. */
export function countDecision(metrics: ThreadMetrics, lane: LimitLane, decision: Decision): void {
  const { rules, ruleStarts, shadow } = lane;
  let rule = 0;
  // By name: a decision about a share of the limit has a copy of the rule.
  while (rule < rules.length - 1 && rules[rule]?.name !== decision.rule.name) rule++;
  const mode = shadow ? SHADOW : MODE[decision.mode];
  metrics.add((ruleStarts[rule] as number) + mode + OUTCOME[decision.outcome]);
}
