import type { HealthConfig } from '../../shared/config/types.ts';
import type { ProbeCause, ProbeFinding } from '../../shared/health/messages.ts';
import type { Verdict } from '../../shared/health/memory.ts';

/** What the probes of a target have come to. */
export interface TargetVerdict {
  readonly verdict: Verdict;
  /** Of the newest probe. */
  readonly cause: ProbeCause;
  /** Why the newest probe was not good, in words; '' = it was. */
  readonly why: string;
  /** Probes like the newest one in a row: good, or failed. */
  readonly inARow: number;
  /** Since when it is up, or down: milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When it was probed last, on the same clock. */
  readonly checkedMs: number;
}

/** Whether the newest probe had a good answer. */
export const isGood = ({ cause }: Pick<TargetVerdict, 'cause'>): boolean => cause === 'ok';

/**
 * What a finding makes of what was known. Pure. The first good answer of a target nobody knows is enough: there is nothing
 * it has to make up for.
 * @param before undefined: nothing is known of it, and until probes say otherwise it is up
 */
export function judge(
  before: TargetVerdict | undefined,
  { cause, why }: Pick<ProbeFinding, 'cause' | 'why'>,
  { rule, nowMs }: { readonly rule: Pick<HealthConfig, 'healthy' | 'unhealthy'>; readonly nowMs: number },
): TargetVerdict | undefined {
  if (cause === 'own_shortage') return before; // that says something of this machine, and nothing of the target
  const good = cause === 'ok';
  const inARow = before !== undefined && isGood(before) === good ? before.inARow + 1 : 1;
  const was = before?.verdict ?? 'up';
  const verdict = verdictOf(was, { cause, enough: inARow >= (good ? rule.healthy : rule.unhealthy) });
  const moved = before === undefined || (was === 'up') !== (verdict === 'up');
  return { verdict, cause, why, inARow, sinceMs: moved ? nowMs : before.sinceMs, checkedMs: nowMs };
}

function verdictOf(was: Verdict, { cause, enough }: { readonly cause: ProbeCause; readonly enough: boolean }): Verdict {
  if (cause === 'ok') return was === 'up' || enough ? 'up' : was;
  if (was === 'up' && !enough) return 'up';
  // What it said itself stays said, also when it then falls silent.
  return cause === 'status' || was === 'wrong' ? 'wrong' : 'silent';
}
