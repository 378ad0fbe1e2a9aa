import type { Config } from '../../shared/config/types.ts';
import { consumerClient } from '../../shared/limits/client-key.ts';
import type { Level } from './buckets.ts';
import { distinctRules, limitedRoutes, routesForProfile } from './limited-routes.ts';
import type { LimitedRoute } from './limited-routes.ts';

/** Which profile a consumer has, and what says so. */
export interface ConsumerProfile {
  readonly name: string;
  /** `buckets`: its credential has one, and these are its buckets; `issuer`: what it has where its token says none. */
  readonly from: 'configuration' | 'buckets' | 'issuer';
}

/** What may hold for a client. */
export interface ClientLimits {
  /** `undefined` = none. */
  readonly profile: ConsumerProfile | undefined;
  /** Names of its rules. */
  readonly profileRules: readonly string[];
  readonly routes: readonly LimitedRoute[];
}

/** The same, where Redis has been looked at: how full the bucket of each distinct rule is. */
export interface KnownLimits extends ClientLimits {
  readonly levels: readonly Level[];
}

/** What holds for a client that is no consumer. */
export const limitsOfAddress = (config: Config): readonly ClientLimits[] => [
  { profile: undefined, profileRules: [], routes: limitedRoutes(config.routes) },
];

/**
 * What may hold for a consumer, the likeliest first: one where the configuration gives it a profile. Else its credential
 * says which it has, and that can be told by the limits that its buckets were last used with (`chosen`).
 */
export function limitsOfConsumer(config: Config, client: string): readonly ClientLimits[] {
  const { consumers, issuers, profiles } = config.identities;
  const of = (profile: ConsumerProfile | undefined): ClientLimits => ({
    profile,
    profileRules: profiles.find(({ name }) => name === profile?.name)?.rules.map(({ name }) => name) ?? [],
    routes: routesForProfile(config, profile?.name ?? ''),
  });
  const own = consumers.find(({ name }) => consumerClient(name) === client)?.profile ?? '';
  if (own !== '') return [of({ name: own, from: 'configuration' })];
  const issuer = issuers.find(({ name }) => client.startsWith(consumerClient(`${name}~`)));
  const given = issuer?.profile ?? '';
  const likeliest = of(given === '' ? undefined : { name: given, from: 'issuer' });
  const names = profiles.map(({ name }) => name).toSorted((a, b) => Number(b === given) - Number(a === given));
  return [likeliest, ...names.map((name) => of({ name, from: 'buckets' }))];
}

/** Of what may hold for a client, with its buckets, what does. @param all at least one */
export function chosen(all: readonly KnownLimits[]): KnownLimits | undefined {
  const told = all.find(
    ({ profile, profileRules, routes, levels }) =>
      profile?.from === 'buckets' &&
      distinctRules(routes).some(({ rule }, i) => profileRules.includes(rule.name) && levels[i]?.isAsStored === true),
  );
  return told ?? all[0];
}
