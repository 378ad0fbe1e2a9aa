import { OVERRIDE_SECONDS } from '../../../shared/admin/breakers.ts';
import { targetChange, targetChangeAnswer, targetsAnswer } from '../../../shared/admin/targets.ts';
import type { TargetAnswer, TargetChange, TargetsAnswer } from '../../../shared/admin/targets.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { HealthControl } from '../../health/health-control.ts';
import { MOST_OVERRIDES } from '../../../shared/limits/overrides.ts';
import type { EventLog } from '../../events/event-log.ts';
import { getsRequests, isOut } from '../../health/upstream-view.ts';
import type { TargetDrains } from '../../upstreams/target-drains.ts';
import type { TargetView } from '../../health/upstream-view.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation, OperationRequest } from '../contract/operation.ts';

type Health = Pick<HealthControl, 'views' | 'upstreams'>;

export interface TargetParts {
  readonly health: Health;
  readonly drains: Pick<TargetDrains, 'change'>;
  readonly events: Pick<EventLog, 'add'>;
}

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
}: TargetView): Omit<TargetAnswer, 'upstream' | 'target' | 'weight' | 'used' | 'why' | 'ejected' | 'drained'> {
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
  { weight, drain, probed, ejection }: TargetView,
  how: { readonly isDown: boolean; readonly panic: boolean },
): string {
  const verdict = probed?.verdict;
  const parts: string[] = weight === 0 ? ['weight 0: it gets no new requests'] : [];
  if (drain !== undefined) parts.push(`drained by hand, ${Math.ceil(drain.remainingMs / 1000)} s left`);
  if (verdict !== undefined && verdict.why !== '') parts.push(verdict.why);
  if (ejection !== undefined) {
    const left = Math.ceil(ejection.forMs / 1000);
    parts.push(`it kept failing: ejected, ${left === 0 ? 'the next request tries it' : `tried again in ${left} s`}`);
  }
  const isOut = how.isDown || ejection !== undefined;
  if (parts.length > 0 && !getsRequests({ weight, drain })) return parts.join('; ');
  if (isOut && how.panic) parts.push('used: too few others are left');
  else if (!isOut && (verdict?.verdict ?? 'up') !== 'up') parts.push('used: requests of this node have good answers');
  return parts.join('; ');
}

function answerOf(view: TargetView, panic: boolean): TargetAnswer {
  const { upstream, target, weight, drain, probed, ejection, succeededAgoMs } = view;
  const isDown = probed !== undefined && isOut(probed, succeededAgoMs);
  return {
    ...probeFacts(view),
    upstream,
    target,
    weight,
    used: getsRequests(view) && ((!isDown && ejection === undefined) || panic),
    why: whyOf(view, { isDown, panic }),
    drained: drain === undefined ? null : { remainingSeconds: Math.round(drain.remainingMs / 100) / 10, by: drain.by },
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

async function change(
  { health, drains, events }: TargetParts,
  { params, body, caller }: OperationRequest<TargetChange>,
): Promise<AdminAnswer> {
  const { upstream = '' } = params;
  const { target, state, for: seconds = OVERRIDE_SECONDS.default } = body;
  const all = health.views().filter((view) => view.upstream === upstream);
  const found = all.find((view) => view.target === target);
  if (found === undefined) {
    const detail = all.length === 0 ? 'There is no such upstream.' : 'The upstream has no such target.';
    return problem(404, 'unknown_target', { detail, targets: all.map((view) => view.target) });
  }
  if (state === 'DRAINED' && !all.some((view) => view !== found && getsRequests(view))) {
    const detail = `${target} is the last target of ${upstream} that gets requests: nothing would be left.`;
    return problem(409, 'last_target', { detail });
  }
  const by = `${caller.who} ${caller.remoteAddress}`;
  const scope = await drains.change({ key: found.key, state, forMs: seconds * 1000, by });
  if (scope === 'full') {
    return problem(409, 'too_many_drains', { detail: `${MOST_OVERRIDES} targets are drained already.` });
  }
  const lasts = state === 'AUTO' ? {} : { seconds };
  events.add('override', `target ${target} of ${upstream}: ${state}`, { upstream, target, state, scope, by, ...lasts });
  const after = answer(health).targets.find((each) => each.upstream === upstream && each.target === target);
  return json(200, { target: after, scope });
}

/** What is known of the targets of all upstreams, and an operator's word over one. */
export const targetOperations = (parts: TargetParts): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/targets',
    id: 'listTargets',
    summary: 'The targets of all upstreams: what probes and requests find of each, and whether this node uses it.',
    answer: targetsAnswer,
    handle: () => json(200, answer(parts.health)),
  }),
  operation<TargetChange>({
    method: 'POST',
    path: '/admin/targets/{upstream}',
    id: 'changeTarget',
    summary:
      'DRAINED: a target gets no new requests for a time, on all nodes; what is under way goes on. AUTO takes it back. ' +
      '`scope` of the answer: cluster, or node when Redis has not confirmed it: then it holds on this node, which tells ' +
      'Redis when that is back.',
    parameters: { upstream: { in: 'path', description: 'Name of an upstream of the configuration' } },
    body: targetChange,
    answer: targetChangeAnswer,
    problems: {
      404: 'No such upstream or target; `targets` lists those that the upstream has.',
      409: 'It is the last target that gets requests, or too many are drained.',
    },
    handle: (request) => change(parts, request),
  }),
];
