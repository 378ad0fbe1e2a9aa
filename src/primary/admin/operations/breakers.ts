import {
  breakerAnswer,
  breakerChange,
  breakerChangeAnswer,
  breakersAnswer,
  OVERRIDE_SECONDS,
} from '../../../shared/admin/breakers.ts';
import type { BreakerAnswer, BreakerOverride } from '../../../shared/admin/breakers.ts';
import type { BreakerMode } from '../../../shared/breaker/rule.ts';
import type { TrafficControl } from '../../traffic/traffic-control.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation, OperationRequest } from '../contract/operation.ts';
import { breakerAnswerOf } from './breaker-answer.ts';

export interface BreakerParts {
  readonly control: Pick<TrafficControl, 'breakers' | 'forceBreaker' | 'breakerScope'>;
  /** Those of the configuration in use. */
  readonly upstreams: () => readonly { readonly name: string; readonly breaker: { readonly mode: BreakerMode } }[];
}

/** An upstream whose breaker is off has none in the front; here it is one that never does anything. */
const without = (upstream: string, mode: BreakerMode): BreakerAnswer => ({
  upstream,
  mode,
  state: 'CLOSED',
  oneClient: false,
  scope: 'node',
  failures: 0,
  reason: '',
  openForSeconds: 0,
  refused: 0,
  quiet: false,
  forced: null,
});

/** Every upstream of the configuration, in its order. */
function answersOf({ control, upstreams }: BreakerParts): readonly BreakerAnswer[] {
  const views = new Map(control.breakers().map((view) => [view.upstream, view]));
  return upstreams().map(({ name, breaker }) => {
    const view = views.get(name);
    return view === undefined ? without(name, breaker.mode) : breakerAnswerOf(view);
  });
}

const unknown = (answers: readonly BreakerAnswer[]): AdminAnswer =>
  problem(404, 'unknown_upstream', {
    detail: 'There is no such upstream in the configuration.',
    upstreams: answers.map(({ upstream }) => upstream),
  });

const conflict = (detail: string): AdminAnswer => problem(409, 'breaker_not_on', { detail });

async function change(
  parts: BreakerParts,
  { params, body, caller }: OperationRequest<BreakerOverride>,
): Promise<AdminAnswer> {
  const { upstream = '' } = params;
  const { state, for: seconds = OVERRIDE_SECONDS.default } = body;
  const answers = answersOf(parts);
  const now = answers.find((answer) => answer.upstream === upstream);
  if (now === undefined) return unknown(answers);
  if (now.mode === 'off') return conflict(`The circuit breaker of ${upstream} is off (circuit_breaker.mode).`);
  // To give back what was forced before the mode was changed must work.
  if (now.mode === 'shadow' && state !== 'AUTO') {
    const detail = `The circuit breaker of ${upstream} is in shadow mode: it refuses nothing, so nothing can be forced.`;
    return conflict(detail);
  }
  const forMs = state === 'AUTO' ? 0 : seconds * 1000;
  const by = `${caller.who} ${caller.remoteAddress}`;
  const outcome = await parts.control.forceBreaker(upstream, { state, forMs }, by);
  if (outcome === undefined) return conflict(`This node has no circuit breaker for ${upstream}: it has too many.`);
  return json(200, { ...breakerAnswerOf(outcome.view), scope: outcome.scope });
}

const parameters = { upstream: { in: 'path', description: 'Name of an upstream of the configuration' } } as const;
const problems = { 404: 'No such upstream; `upstreams` lists those that exist.' } as const;

/** What can be seen of the circuit breakers, and an operator's word over them. */
export const breakerOperations = (parts: BreakerParts): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/breakers',
    id: 'listBreakers',
    summary: 'The circuit breakers of all upstreams, as this node sees them.',
    answer: breakersAnswer,
    handle: () => json(200, { scope: parts.control.breakerScope(), breakers: answersOf(parts) }),
  }),
  operation({
    method: 'GET',
    path: '/admin/breakers/{upstream}',
    id: 'getBreaker',
    summary: 'The circuit breaker of one upstream, as this node sees it.',
    parameters,
    answer: breakerAnswer,
    problems,
    handle: ({ params }) => {
      const answers = answersOf(parts);
      const found = answers.find(({ upstream }) => upstream === params['upstream']);
      return found === undefined ? unknown(answers) : json(200, found);
    },
  }),
  operation<BreakerOverride>({
    method: 'POST',
    path: '/admin/breakers/{upstream}',
    id: 'changeBreaker',
    summary:
      'Forces a circuit breaker for the whole cluster: OPEN refuses everything, CLOSED lets everything pass, AUTO gives ' +
      'it back. `scope` of the answer: cluster, or node when Redis has not confirmed it (within a second, two at most): ' +
      'then it holds on this node, which tells Redis when that is back. Of all that was said the newest wins, AUTO too.',
    parameters,
    body: breakerChange,
    answer: breakerChangeAnswer,
    problems: { ...problems, 409: 'The circuit breaker of the upstream is off or in shadow mode.' },
    handle: (request) => change(parts, request),
  }),
];
