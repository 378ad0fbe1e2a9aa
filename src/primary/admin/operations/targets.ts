import { targetsAnswer } from '../../../shared/admin/targets.ts';
import type { TargetAnswer, TargetsAnswer } from '../../../shared/admin/targets.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import { targetKey } from '../../../shared/health/memory.ts';
import type { ProbedTarget } from '../../health/health-book.ts';
import type { HealthControl } from '../../health/health-control.ts';
import { isOut } from '../../health/upstream-view.ts';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

type Health = Pick<HealthControl, 'configured' | 'target' | 'succeededAgoMs' | 'upstreams'>;

const seconds = (ms: number | undefined): number | null =>
  ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms / 100) / 10;

const unprobed = (upstream: string, target: string): TargetAnswer => ({
  upstream,
  target,
  state: 'unprobed',
  used: true,
  why: '',
  inARow: 0,
  since: null,
  checkedSecondsAgo: null,
  ownSuccessSecondsAgo: null,
  scope: 'node',
  by: '',
});

function whyOf({ verdict }: ProbedTarget, how: { readonly out: boolean; readonly panic: boolean }): string {
  const why = verdict?.why ?? '';
  if (verdict === undefined || verdict.verdict === 'up') return why;
  if (!how.out) return `${why}; used: requests of this node have good answers`;
  return how.panic ? `${why}; used: too few others are left` : why;
}

function answerOf(probed: ProbedTarget, health: Health, panic: boolean): TargetAnswer {
  const { upstream, target, key, verdict, source, by, checkedMs } = probed;
  const agoMs = health.succeededAgoMs(key);
  const out = isOut(probed, agoMs);
  const state = verdict?.verdict === 'up' ? 'up' : 'down';
  return {
    upstream,
    target,
    state: verdict === undefined ? 'unknown' : state,
    used: !out || panic,
    why: whyOf(probed, { out, panic }),
    inARow: verdict?.inARow ?? 0,
    since: verdict === undefined ? null : new Date(verdict.sinceMs).toISOString(),
    checkedSecondsAgo: seconds(monotonicMs() - checkedMs),
    ownSuccessSecondsAgo: seconds(agoMs),
    scope: source,
    by,
  };
}

function answer(health: Health): TargetsAnswer {
  const panic = new Set(health.upstreams().flatMap((each) => (each.panic ? [each.upstream] : [])));
  const targets = health.configured.flatMap(({ name, targets: all }) =>
    all.map(({ origin, basePath }) => {
      const target = origin + basePath;
      const probed = health.target(targetKey(name, target));
      return probed === undefined ? unprobed(name, target) : answerOf(probed, health, panic.has(name));
    }),
  );
  return { targets, panic: [...panic] };
}

/** What is known of the targets of all upstreams. */
export const targetOperations = (health: Health): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/targets',
    id: 'listTargets',
    summary: 'The targets of all upstreams: what probes find of each, and whether this node uses it.',
    answer: targetsAnswer,
    handle: () => json(200, answer(health)),
  }),
];
