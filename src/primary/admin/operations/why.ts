import { whyAnswer } from '../../../shared/admin/why.ts';
import { monotonicMs, wallClockMs } from '../../../shared/clock.ts';
import { consumerClient } from '../../../shared/limits/client-key.ts';
import { meantClients } from '../../../shared/limits/client-names.ts';
import { canonicalAddress } from '../../../shared/net/address.ts';
import type { BreakerView } from '../../breaker/view.ts';
import type { IssuerView } from '../../identity/jwks/jwks-control.ts';
import type { KeyBook } from '../../identity/keys/key-book.ts';
import { ANSWER_WITHIN_MS } from '../../limits/asked-redis.ts';
import { LimitCall } from '../../limits/limit-call.ts';
import type { LimitControl } from '../../limits/limit-control.ts';
import type { MaintenanceBook } from '../../maintenance/maintenance-book.ts';
import { consumerMeant, knownConsumer } from '../../why/known-consumer.ts';
import { refusalsOn } from '../../why/refusals.ts';
import type { AskedAbout } from '../../why/refusals.ts';
import { storedKeysOf } from '../../why/stored-keys.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation, OperationRequest } from '../contract/operation.ts';
import { bucketsLocked, findClient, unknownClient, viewOf } from './limits-client.ts';

export interface WhyParts {
  readonly limits: LimitControl;
  readonly maintenance: Pick<MaintenanceBook, 'held'>;
  readonly breakers: () => readonly BreakerView[];
  readonly jwks: { views(): readonly Pick<IssuerView, 'issuer' | 'keys'>[] };
  /** `undefined`: keys are not stored. */
  readonly keys: Pick<KeyBook, 'all' | 'byId' | 'state'> | undefined;
}

/** What refuses one client: all that the gateway knows of. */
export const whyOperation = (parts: WhyParts): AnyOperation =>
  operation({
    method: 'GET',
    path: '/admin/why/{client}',
    id: 'explainClient',
    summary: 'What refuses a client, or would, on which routes, and what to do about it',
    parameters: {
      client: {
        in: 'path',
        description:
          'A consumer, the ID of a stored key, an IP address, the value of the header that names clients, or the name of buckets.',
      },
      address: { in: 'query', description: 'Where it comes from, where `client` is no address.' },
      route: { in: 'query', description: 'Only this route; default: all.' },
    },
    answer: whyAnswer,
    problems: {
      404: 'No client can have that name (`clients` names some that exist), or there is no such route (`routes`).',
      503: 'The buckets are locked by a thread that has ended; try again.',
    },
    handle: (request) => why(parts, request),
  });

async function why(parts: WhyParts, { params, query }: OperationRequest<undefined>): Promise<AdminAnswer> {
  const limits = new LimitCall(parts.limits, monotonicMs() + ANSWER_WITHIN_MS);
  const { config } = limits;
  const key = await parts.keys?.byId(params['client'] ?? '');
  const text = key?.record.consumer ?? params['client'] ?? '';
  const from = query.get('address');
  const given = from === null ? undefined : canonicalAddress(from);
  if (from !== null && given === undefined) {
    return problem(400, 'bad_request', { detail: 'address: an IP address is expected.' });
  }
  const only = query.get('route');
  const routes = config.routes.filter(({ name }) => only === null || name === only);
  if (only !== null && routes.length === 0) {
    const detail = 'There is no such route in the configuration.';
    return problem(404, 'unknown_route', { detail, routes: config.routes.map(({ name }) => name) });
  }
  const found = await findClient(limits, key === undefined ? text : consumerClient(text));
  if (found === undefined) return bucketsLocked();
  const name = consumerMeant(text, found.name, config.identities);
  if (found.name === undefined && name === undefined) return unknownClient(limits, found);
  const address = given ?? found.address;
  const view = viewOf(limits, { ...found, name: found.name ?? text, address });
  const consumer = name === undefined ? undefined : knownConsumer(config.identities, name, wallClockMs());
  const ban = banOf(limits, view.client, address);
  const asked: AskedAbout = {
    client: consumer?.name ?? view.client,
    consumer,
    address,
    maintenance: parts.maintenance.held(),
    ban,
    limits: ban === undefined && isExempt(limits, address) ? [] : view.routes,
    breakers: parts.breakers(),
    keylessIssuers: parts.jwks.views().flatMap(({ issuer, keys }) => (keys === 0 ? [issuer] : [])),
    storedKeys: name === undefined ? undefined : await keysOf(parts, name, key?.record.id),
  };
  const reasons = routes.flatMap((route) => refusalsOn(route, asked));
  return json(200, {
    ...view,
    routes: view.routes.filter(({ route }) => only === null || route === only || route === `${only} (messages)`),
    known: found.known || consumer?.isConfigured === true,
    wouldPass: !reasons.some(({ certain }) => certain),
    consumer: name ?? null,
    address: address ?? null,
    reasons,
  });
}

/** What is stored of a consumer's keys, where that can be found out before the answer is due. */
async function keysOf({ keys }: WhyParts, name: string, asked: string | undefined): Promise<AskedAbout['storedKeys']> {
  const endMs = monotonicMs() + ANSWER_WITHIN_MS;
  const found = keys === undefined ? undefined : await storedKeysOf(keys, name, () => monotonicMs() > endMs);
  return found === undefined ? undefined : { ...found, asked, nowMs: wallClockMs() };
}

/** The name that an address has where it names a client. */
const nameOf = (limits: LimitCall, address: string): string | undefined =>
  meantClients(address, limits.config.limits).fresh;

/** Of a ban of the client and one of its address the one that lasts longer. */
function banOf(limits: LimitCall, client: string, address: string | undefined): AskedAbout['ban'] {
  const names = [client, address === undefined ? undefined : nameOf(limits, address)];
  const bans = names.flatMap((name) => {
    const word = name === undefined ? undefined : limits.overrides.get(name);
    return name === undefined || word?.state !== 'BANNED' ? [] : [{ client: name, remainingMs: word.remainingMs }];
  });
  return bans.toSorted((a, b) => b.remainingMs - a.remainingMs)[0];
}

function isExempt(limits: LimitCall, address: string | undefined): boolean {
  const name = address === undefined ? undefined : nameOf(limits, address);
  return name !== undefined && limits.overrides.get(name)?.state === 'EXEMPT';
}
