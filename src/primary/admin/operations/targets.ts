import { targetsAnswer } from '../../../shared/admin/targets.ts';
import type { TargetAnswer, TargetsAnswer } from '../../../shared/admin/targets.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { HealthControl } from '../../health/health-control.ts';
import { isOut } from '../../health/upstream-view.ts';
import type { TargetView } from '../../health/upstream-view.ts';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

type Health = Pick<HealthControl, 'views' | 'upstreams'>;

const seconds = (ms: number | undefined): number | null =>
  ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms / 100) / 10;

const NEVER_PROBED = {
  state: 'unprobed',
  inARow: 0,
  since: null,
  checkedSecondsAgo: null,
  ownSuccessSecondsAgo: null,
  scope: 'node',
  by: '',
} as const;

function probeFacts({
  probed,
  succeededAgoMs,
}: TargetView): Omit<TargetAnswer, 'upstream' | 'target' | 'weight' | 'used' | 'why' | 'ejected'> {
  if (probed === undefined) return NEVER_PROBED;
  const { verdict, source, by, checkedMs } = probed;
  const state = verdict?.verdict === 'up' ? 'up' : 'down';
  return {
    state: verdict === undefined ? 'unknown' : state,
    inARow: verdict?.inARow ?? 0,
    since: verdict === undefined ? null : new Date(verdict.sinceMs).toISOString(),
    checkedSecondsAgo: seconds(monotonicMs() - checkedMs),
    ownSuccessSecondsAgo: seconds(succeededAgoMs),
    scope: source,
    by,
  };
}

function whyOf(
  { weight, probed, ejection }: TargetView,
  how: { readonly isDown: boolean; readonly panic: boolean },
): string {
  const verdict = probed?.verdict;
  const parts: string[] = weight === 0 ? ['weight 0: it gets no new requests'] : [];
  if (verdict !== undefined && verdict.why !== '') parts.push(verdict.why);
  if (ejection !== undefined) {
    const left = Math.ceil(ejection.forMs / 1000);
    parts.push(`it kept failing: ejected, ${left === 0 ? 'the next request tries it' : `tried again in ${left} s`}`);
  }
  const isOut = how.isDown || ejection !== undefined;
  if (weight === 0) return parts.join('; ');
  if (isOut && how.panic) parts.push('used: too few others are left');
  else if (!isOut && (verdict?.verdict ?? 'up') !== 'up') parts.push('used: requests of this node have good answers');
  return parts.join('; ');
}

function answerOf(view: TargetView, panic: boolean): TargetAnswer {
  const { upstream, target, weight, probed, ejection, succeededAgoMs } = view;
  const isDown = probed !== undefined && isOut(probed, succeededAgoMs);
  return {
    ...probeFacts(view),
    upstream,
    target,
    weight,
    used: weight > 0 && ((!isDown && ejection === undefined) || panic),
    why: whyOf(view, { isDown, panic }),
    ejected:
      ejection === undefined
        ? null
        : { forSeconds: ejection.forMs / 1000, times: ejection.times, oneClient: ejection.oneClient },
  };
}

function answer(health: Health): TargetsAnswer {
  const panic = new Set(health.upstreams().flatMap((each) => (each.panic ? [each.upstream] : [])));
  return { targets: health.views().map((view) => answerOf(view, panic.has(view.upstream))), panic: [...panic] };
}

/** What is known of the targets of all upstreams. */
export const targetOperations = (health: Health): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/targets',
    id: 'listTargets',
    summary: 'The targets of all upstreams: what probes and requests find of each, and whether this node uses it.',
    answer: targetsAnswer,
    handle: () => json(200, answer(health)),
  }),
];
