import { OVERRIDE_SECONDS } from '../../../shared/admin/breakers.ts';
import { splitChange, splitChangeAnswer, splitsAnswer } from '../../../shared/admin/splits.ts';
import type { SplitAnswer, SplitChange } from '../../../shared/admin/splits.ts';
import type { RouteConfig } from '../../../shared/config/types.ts';
import { MOST_OVERRIDES } from '../../../shared/limits/overrides.ts';
import { splitKey } from '../../../shared/upstreams/split-key.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { SplitWeights } from '../../upstreams/split-weights.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation, OperationRequest } from '../contract/operation.ts';

export interface SplitParts {
  readonly splits: Pick<SplitWeights, 'of' | 'change'>;
  /** Those of the configuration in use. */
  readonly routes: () => readonly RouteConfig[];
  readonly events: Pick<EventLog, 'add'>;
}

/** What a route's sides weigh by now. */
export function splitAnswers({ splits, routes }: Pick<SplitParts, 'splits' | 'routes'>): readonly SplitAnswer[] {
  return routes().flatMap(({ name, path, split }): readonly SplitAnswer[] => {
    if (split === undefined) return [];
    const sides = split.map(({ upstream, weight: configured, when }) => {
      const moved = splits.of(splitKey(name, upstream));
      return {
        upstream,
        weight: moved?.weight ?? configured,
        configured,
        moved: moved === undefined ? null : { remainingSeconds: Math.round(moved.remainingMs / 1000), by: moved.by },
        when: when === undefined ? null : { header: when.name, equals: when.value },
      };
    });
    return [{ route: name, path, sides }];
  });
}

async function change(parts: SplitParts, { body, caller }: OperationRequest<SplitChange>): Promise<AdminAnswer> {
  const { splits, events } = parts;
  const { weights, for: seconds = OVERRIDE_SECONDS.most } = body;
  const all = splitAnswers(parts);
  const found = all.find(({ route }) => route === body.route) ?? all.find(({ path }) => path === body.route);
  if (found === undefined) {
    const detail = 'There is no route of that name or path that has a split.';
    return problem(404, 'unknown_split', { detail, routes: all.map(({ route }) => route) });
  }
  const { route, sides } = found;
  const unknown = Object.keys(weights).find((upstream) => !sides.some((side) => side.upstream === upstream));
  if (unknown !== undefined) {
    const detail = `The route ${route} has no side ${unknown}.`;
    return problem(404, 'unknown_side', { detail, upstreams: sides.map(({ upstream }) => upstream) });
  }
  const after = sides.map((side) => {
    const said = weights[side.upstream];
    return said === undefined ? side.weight : (said ?? side.configured);
  });
  if (after.every((weight) => weight === 0)) {
    return problem(409, 'last_side', { detail: `All sides of ${route} would weigh 0: nothing would be left.` });
  }
  const by = `${caller.who} ${caller.remoteAddress}`;
  let scope: 'cluster' | 'node' = 'cluster';
  for (const [upstream, weight] of Object.entries(weights)) {
    const held = await splits.change({ key: splitKey(route, upstream), weight, forMs: seconds * 1000, by });
    if (held === 'full') {
      return problem(409, 'too_many_weights', { detail: `${MOST_OVERRIDES} weights are moved already.` });
    }
    if (held === 'node') scope = held;
  }
  const texts = Object.entries(weights).map(([upstream, weight]) => `${upstream}=${weight ?? 'as configured'}`);
  events.add('override', `split of ${route}: ${texts.join(', ')}`, { route, weights, scope, by, seconds });
  return json(200, { split: splitAnswers(parts).find((each) => each.route === route), scope });
}

/** How the clients of routes are divided among upstreams, and an operator's word over that. */
export const splitOperations = (parts: SplitParts): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/splits',
    id: 'listSplits',
    summary: 'Routes whose clients are divided among upstreams, with the weights that hold now.',
    answer: splitsAnswer,
    handle: () => json(200, { splits: [...splitAnswers(parts)] }),
  }),
  operation<SplitChange>({
    method: 'POST',
    path: '/admin/splits',
    id: 'changeSplit',
    summary:
      'Moves weights of a split for a time, on all nodes; null takes one back. `scope` of the answer: cluster, or node when ' +
      'Redis has not confirmed it: then it holds on this node, which tells Redis when that is back.',
    body: splitChange,
    answer: splitChangeAnswer,
    problems: {
      404: 'No such route with a split, or no such side of it.',
      409: 'All sides would weigh 0, or too many weights are moved.',
    },
    handle: (request) => change(parts, request),
  }),
];
