import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
import type { RefusalReason } from '../../shared/admin/why.ts';
import type { RouteAllowConfig, RouteAuthenticationConfig } from '../../shared/config/identity/types.ts';
import type { RouteConfig } from '../../shared/config/types.ts';
import type { IpListConfig } from '../../shared/config/rules/types.ts';
import { ERRORS } from '../../shared/errors.ts';
import { lackOf } from '../../shared/identity/allowed.ts';
import { isConsumerClient } from '../../shared/limits/client-key.ts';
import { IpRules } from '../../shared/net/ip-rules.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';
import { ALL_ROUTES } from '../../shared/maintenance/maintenance.ts';
import { routeWords } from '../maintenance/maintenance-book.ts';
import type { HeldMaintenance } from '../maintenance/maintenance-book.ts';
import type { BreakerView } from '../breaker/view.ts';
import { byAuthorizer, byBreaker } from './breaker-refusals.ts';
import type { KnownConsumer } from './known-consumer.ts';
import { upTo, word } from './reason.ts';
import type { Reason } from './reason.ts';
import { byStoredKeys, hasGood } from './stored-keys.ts';
import type { StoredKeys } from './stored-keys.ts';

/** Who is asked about, and what is known that may refuse it. */
export interface AskedAbout {
  /** For commands; the name of its buckets, or what was asked. */
  readonly client: string;
  readonly consumer: KnownConsumer | undefined;
  /** Canonical; `undefined` = nobody has said. */
  readonly address: string | undefined;
  readonly maintenance: readonly HeldMaintenance[];
  /** Milliseconds that a ban of it, or of its address, lasts, and whose it is. */
  readonly ban: { readonly client: string; readonly remainingMs: number } | undefined;
  readonly limits: ClientLimitsAnswer['routes'];
  readonly breakers: readonly BreakerView[];
  /** Of the consumer; `undefined` = nobody has looked, or could in time. */
  readonly storedKeys: StoredKeys | undefined;
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

function byIdentity({ authentication }: RouteConfig, { consumer, storedKeys }: AskedAbout): readonly Reason[] {
  if (authentication === undefined) return [];
  const { methods, anonymous, allow } = authentication;
  const ways = methods.join(', ');
  if (consumer === undefined) {
    if (anonymous) return [];
    const todo = 'Ask again with the name of its consumer.';
    const why = `a request without a credential (${ways}) is refused`;
    return [{ code: 'credentials_missing', certain: false, why, todo, retryAfterSeconds: 0 }];
  }
  const keys = methods.includes('api_key') ? storedKeys : undefined;
  return [...byProof(consumer, { methods, anonymous, keys }), ...byConsumer(consumer), ...byAllow(consumer, allow)];
}

function byConsumer({ name, disabled }: KnownConsumer): readonly Reason[] {
  if (!disabled) return [];
  const todo = 'Take "disabled" out of the configuration, then "gateway reload".';
  const why = `the consumer ${name} is disabled in the configuration`;
  return [{ code: 'credentials_invalid', certain: true, why, todo, retryAfterSeconds: 0 }];
}

interface KeysTaken {
  /** Stored ones, where the route takes keys. */
  readonly keys: StoredKeys | undefined;
}

/** Whether it can have a credential of a kind that the route takes. */
function byProof(
  consumer: KnownConsumer,
  { methods, anonymous, keys }: Pick<RouteAuthenticationConfig, 'methods' | 'anonymous'> & KeysTaken,
): readonly Reason[] {
  const proofs = methods.map((method) => consumer.proofs[method]);
  const isGood = proofs.includes('good');
  if (keys !== undefined && (keys.asked !== undefined || isGood || hasGood(keys) || proofs.includes('stored'))) {
    return byStoredKeys(consumer, keys, isGood);
  }
  if (isGood) return [];
  const { name, isConfigured } = consumer;
  if (proofs.includes('stored')) {
    const why = `a key of ${name} has to be among those stored, and neither revoked nor over`;
    const todo = `"gateway key list --consumer ${word(name)}" shows them; "gateway key create ${word(name)}" makes one.`;
    return [{ code: 'credentials_invalid', certain: false, why, todo, retryAfterSeconds: 0 }];
  }
  if (proofs.includes('ended')) {
    const why = `every key and certificate of ${name} for this route (${methods.join(', ')}) is disabled or over`;
    const todo = 'Give it another in the configuration, then "gateway reload".';
    return [{ code: 'credentials_invalid', certain: true, why, todo, retryAfterSeconds: 0 }];
  }
  if (anonymous) return [];
  const what = isConfigured ? `${name} has no credential` : `the configuration knows no ${name} with a credential`;
  const why = `${what} that this route takes (${methods.join(', ')})`;
  const todo = 'Give it one in the configuration, or take another name: "gateway config" shows those there are.';
  return [{ code: 'credentials_missing', certain: true, why, todo, retryAfterSeconds: 0 }];
}

function byAllow(consumer: KnownConsumer, allow: RouteAllowConfig): readonly Reason[] {
  const { name, groups, mayHaveOtherGroups, mayHaveScopes } = consumer;
  const code = 'not_allowed' as const;
  const lack = lackOf({ ...allow, scopes: [] }, { consumer: name, groups, scopes: [] });
  if (lack === 'consumers') {
    const why = `allow.consumers of the route has ${allow.consumers.join(', ')}`;
    const todo = `Add ${name} to it, then "gateway reload".`;
    return [{ code, certain: true, why, todo, retryAfterSeconds: 0 }];
  }
  const reasons: Reason[] = [];
  if (lack === 'groups') {
    const has = groups.length === 0 ? 'in none by the configuration' : `in ${groups.join(', ')}`;
    const other = mayHaveOtherGroups ? '; its credential may say others' : '';
    reasons.push({
      code,
      certain: !mayHaveOtherGroups,
      why: `allow.groups of the route has ${allow.groups.join(', ')}, and ${name} is ${has}${other}`,
      todo: `Put it in one of them (groups of the consumer, or of its credential), then "gateway reload".`,
      retryAfterSeconds: 0,
    });
  }
  if (allow.scopes.length > 0) {
    const needed = allow.scopes.join(', ');
    reasons.push({
      code,
      certain: !mayHaveScopes,
      why: mayHaveScopes
        ? `its token has to have a scope of ${needed}`
        : `allow.scopes of the route has ${needed}, and only tokens have scopes: no issuer names ${name}`,
      todo: mayHaveScopes ? 'Let its issuer give it one.' : 'Let it come with a token, or change allow.scopes.',
      retryAfterSeconds: 0,
    });
  }
  return reasons;
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
