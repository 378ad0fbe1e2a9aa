import {
  clientLimitsAnswer,
  clientLimitsChange,
  limitsResetAnswer,
  overridesAnswer,
  topRefusedAnswer,
} from '../../../shared/admin/limits.ts';
import type { ClientLimitsChange, OverridesAnswer } from '../../../shared/admin/limits.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { LimitControl } from '../../limits/limit-control.ts';
import { ANSWER_WITHIN_MS } from '../../limits/asked-redis.ts';
import { LimitCall } from '../../limits/limit-call.ts';
import { changeClient } from './limits-change.ts';
import { bucketsLocked, findClient, resetClient, unknownClient, viewOf } from './limits-client.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';
import { LISTED_CLIENTS } from '../../../shared/limits/refused-list.ts';

const COUNT = { default: 20, most: LISTED_CLIENTS } as const;

const CLIENT_PARAMETER = {
  client: {
    in: 'path',
    description: 'Name of its buckets, an IP address, or the value of the header that names clients.',
  },
} as const;
const UNKNOWN = 'No such client is known here; `clients` names some that exist.';
const LOCKED = 'The buckets are locked by a thread that has ended; try again.';

export interface LimitOperationsParts {
  readonly limits: LimitControl;
  readonly events: Pick<EventLog, 'add'>;
  /** This node's name, for the overrides it sets. */
  readonly node: string;
}

/** The calls under /admin/limits. */
export const limitOperations = (parts: LimitOperationsParts): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/limits/top',
    id: 'topRefused',
    summary: 'The clients that were refused most in the last five to ten minutes',
    parameters: { count: { in: 'query', description: `How many, 1 to ${COUNT.most}; default ${COUNT.default}.` } },
    answer: topRefusedAnswer,
    handle: ({ query }) => top(callOf(parts), query.get('count')),
  }),
  operation({
    method: 'GET',
    path: '/admin/limits',
    id: 'listOverrides',
    summary: 'The clients that are banned or exempt now',
    answer: overridesAnswer,
    handle: () => json(200, listOverrides(parts.limits)),
  }),
  operation({
    method: 'GET',
    path: '/admin/limits/{client}',
    id: 'getClientLimits',
    summary: 'How full the buckets of a client are, and which routes it would pass now',
    parameters: CLIENT_PARAMETER,
    answer: clientLimitsAnswer,
    problems: { 404: UNKNOWN, 503: LOCKED },
    handle: ({ params }) => show(callOf(parts), params['client'] ?? ''),
  }),
  operation({
    method: 'DELETE',
    path: '/admin/limits/{client}',
    id: 'resetClientLimits',
    secretPath: true,
    summary: 'Deletes the buckets of a client, so that it starts with full ones on all nodes',
    parameters: CLIENT_PARAMETER,
    answer: limitsResetAnswer,
    problems: { 404: UNKNOWN, 503: LOCKED },
    handle: ({ params }) => reset(callOf(parts), params['client'] ?? ''),
  }),
  operation<ClientLimitsChange>({
    method: 'POST',
    path: '/admin/limits/{client}',
    id: 'changeClientLimits',
    secretPath: true,
    summary: "Sets a client's tokens, or bans or exempts it for a time",
    parameters: CLIENT_PARAMETER,
    body: clientLimitsChange,
    answer: clientLimitsAnswer,
    problems: {
      404: 'No client can have that name (`clients` names some that exist), or there is no such rule (`rules` names all).',
      409: 'Too many clients are banned or exempt already.',
      503: LOCKED,
    },
    handle: ({ params, body, caller }) => {
      const by = `${caller.who} ${caller.remoteAddress} at ${parts.node}`;
      return changeClient({ limits: callOf(parts), events: parts.events }, { text: params['client'] ?? '', body, by });
    },
  }),
];

function listOverrides({ overrides, config }: LimitControl): OverridesAnswer {
  const { cidrs, keys } = config.limits.allowlist;
  return {
    overrides: overrides.list().map(({ remainingMs, ...each }) => ({
      ...each,
      remainingSeconds: Math.ceil(remainingMs / 1000),
    })),
    allowlist: [...cidrs, ...keys.map(() => '***')],
  };
}

/** All of a call has as long as a person waits. */
const callOf = ({ limits }: LimitOperationsParts): LimitCall => new LimitCall(limits, monotonicMs() + ANSWER_WITHIN_MS);

async function show(limits: LimitCall, text: string): Promise<AdminAnswer> {
  const found = await findClient(limits, text);
  if (found === undefined) return bucketsLocked();
  return found.known ? json(200, viewOf(limits, found)) : unknownClient(limits, found);
}

async function reset(limits: LimitCall, text: string): Promise<AdminAnswer> {
  const found = await findClient(limits, text);
  if (found === undefined) return bucketsLocked();
  if (!found.known) return unknownClient(limits, found);
  const outcome = await resetClient(limits, found);
  return { ...json(200, outcome), audited: { client: outcome.client } };
}

async function top(limits: LimitCall, wanted: string | null): Promise<AdminAnswer> {
  const count = wanted === null ? COUNT.default : Number(wanted);
  if (!Number.isInteger(count) || count < 1 || count > COUNT.most) {
    return problem(400, 'bad_request', { detail: `count: a whole number from 1 to ${COUNT.most} is expected.` });
  }
  const { scope, nodes, list } = await limits.refused();
  return json(200, {
    scope,
    nodes,
    windowSeconds: Math.ceil(list.windowMs / 1000),
    clients: list.clients.slice(0, count).map(([client, refused, overcount]) => ({ client, refused, overcount })),
  });
}
