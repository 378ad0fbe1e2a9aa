import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
import type { RefusalReason } from '../../shared/admin/why.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import type { IpListConfig } from '../../shared/config/rules/types.ts';
import { ERRORS } from '../../shared/errors.ts';
import { isConsumerClient } from '../../shared/limits/client-key.ts';
import { IpRules } from '../../shared/net/ip-rules.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';
import { ALL_ROUTES } from '../../shared/maintenance/maintenance.ts';
import { routeWords } from '../maintenance/maintenance-book.ts';
import type { HeldMaintenance } from '../maintenance/maintenance-book.ts';
import type { BreakerView } from '../breaker/view.ts';
import { byAuthorizer, byBreaker } from './breaker-refusals.ts';
import { byIdentity } from './identity-refusals.ts';
import type { IdentityAsked } from './identity-refusals.ts';
import { upTo, word } from './reason.ts';
import type { Reason } from './reason.ts';

/** Who is asked about, and what is known that may refuse it. */
export interface AskedAbout extends IdentityAsked {
  /** For commands; the name of its buckets, or what was asked. */
  readonly client: string;
  /** Canonical; `undefined` = nobody has said. */
  readonly address: string | undefined;
  readonly maintenance: readonly HeldMaintenance[];
  /** Milliseconds that a ban of it, or of its address, lasts, and whose it is. */
  readonly ban: { readonly client: string; readonly remainingMs: number } | undefined;
  readonly limits: ClientLimitsAnswer['routes'];
  readonly breakers: readonly BreakerView[];
}

/** What of a route refuses a client, in the order in which its request meets it; empty: nothing does. */
export function refusalsOn(route: RouteConfig, asked: AskedAbout): readonly RefusalReason[] {
  const { rules, name } = route;
  const before = [...byAddress(rules?.ip ?? [], asked.address), ...byMaintenance(name, asked)];
  const reasons: readonly Reason[] =
    rules?.answer === undefined
      ? [
          ...before,
          ...byIdentity(route, asked),
          ...byBan(route, asked),
          ...byLimits(name, asked),
          ...byAuthorizer(route, asked),
          ...byBreaker(route, asked),
        ]
      : [...before, ...byBan(route, asked)];
  return reasons.map((reason) => ({ route: name, status: ERRORS[reason.code].status, ...reason }));
}

function byAddress(lists: readonly IpListConfig[], address: string | undefined): readonly Reason[] {
  return lists.flatMap((list): readonly Reason[] => {
    const of = (kind: 'allow' | 'deny'): string =>
      list.from === 'environment' ? `IP_${kind.toUpperCase()}` : `ip.${kind} of the route`;
    const apply = list.from === 'environment' ? 'then restart each node' : 'then "gateway reload"';
    const code = 'ip_not_allowed' as const;
    if (address === undefined) {
      const kinds = (['deny', 'allow'] as const).filter((kind) => list[kind].length > 0).map(of);
      const why = `it depends on where the request comes from: ${kinds.join(' and ')}`;
      return [{ code, certain: false, why, todo: 'Ask again with --address.', retryAfterSeconds: 0 }];
    }
    if (new IpRules([list]).takes(address)) return [];
    const denied = !new IpRules([{ ...list, allow: [] }]).takes(address);
    return [
      {
        code,
        certain: true,
        why: denied ? `${of('deny')} has ${address}` : `${of('allow')} does not have ${address}`,
        todo: denied ? `Take it out of ${of('deny')}, ${apply}.` : `Add it to ${of('allow')}, ${apply}.`,
        retryAfterSeconds: 0,
      },
    ];
  });
}

function byMaintenance(name: string, { maintenance, address }: AskedAbout): readonly Reason[] {
  return maintenance.flatMap((held): readonly Reason[] => {
    const { route, record, remainingMs } = held;
    if (route !== name && route !== ALL_ROUTES) return [];
    const { allow, by, text } = record;
    if (address !== undefined && new TrustedProxies(allow).isTrusted(address)) return [];
    const passes = address === undefined && allow.length > 0 ? `; only ${allow.join(', ')} passes` : '';
    return [
      {
        code: 'maintenance',
        certain: passes === '',
        why: `maintenance of ${routeWords(route)}${text === '' ? '' : ` ("${text}")`}, says ${by}${passes}`,
        todo: `"gateway maintenance off${route === ALL_ROUTES ? '' : ` ${word(route)}`}" ends it; --allow of "gateway maintenance on" lets addresses pass.`,
        retryAfterSeconds: upTo(remainingMs),
      },
    ];
  });
}

function byBan({ authentication }: RouteConfig, { ban, consumer }: AskedAbout): readonly Reason[] {
  if (ban === undefined) return [];
  // A route that asks nobody who calls does not know a consumer.
  if (authentication === undefined && consumer !== undefined && isConsumerClient(ban.client)) return [];
  const todo = `"gateway limit auto ${word(ban.client)}" ends it.`;
  const retryAfterSeconds = upTo(ban.remainingMs);
  return [{ code: 'client_banned', certain: true, why: `${ban.client} is banned`, todo, retryAfterSeconds }];
}

function byLimits(name: string, { client, limits, ban }: AskedAbout): readonly Reason[] {
  const limit = limits.find(({ route }) => route === name);
  if (ban !== undefined || limit === undefined || limit.wouldPass || limit.shadow) return [];
  const { refusedBy, retryAfterSeconds } = limit;
  if (refusedBy === null) {
    const why = 'Redis is away, and the route is to refuse then (on_store_failure: closed)';
    return [
      {
        code: 'limits_unavailable',
        certain: true,
        why,
        todo: '"gateway doctor" says what is wrong.',
        retryAfterSeconds,
      },
    ];
  }
  return [
    {
      code: 'rate_limited',
      certain: true,
      why: `no token is left in its bucket ${refusedBy}`,
      todo: `"gateway limit reset ${word(client)}" fills it, "gateway limit exempt ${word(client)}" takes the limit away for a time.`,
      retryAfterSeconds: Number.isFinite(retryAfterSeconds) ? retryAfterSeconds : 0,
    },
  ];
}
