import type { RuleSpec } from '../../limits/rule.ts';
import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import { resolveBeside } from '../text-file.ts';
import type { ProfileLimitsConfig, RouteLimitsConfig } from '../types.ts';
import type { GatewayYaml, RouteYaml } from '../yaml-schema.ts';
import { profileLabel, SHIPPED_PROFILES } from './profiles.ts';
import type {
  AuthorityConfig,
  CertificateConfig,
  ConsumerConfig,
  IdentitiesConfig,
  IssuerConfig,
  IssuerKeySource,
  ProfileConfig,
  RouteAuthenticationConfig,
} from './types.ts';
import { certificatePartOf } from './certificates.ts';
import type { CertificateYaml } from './certificates.ts';
import { parseMoment } from './yaml.ts';
import type { AuthorityYaml, ConsumerYaml, IssuerYaml, ProfileYaml } from './yaml.ts';

const CLOCK_SKEW_SECONDS = 30;
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

function resolveProfile([name, own]: [string, ProfileYaml]): ProfileConfig {
  const { limits, max_in_flight: maxInFlight = 0, priority } = own;
  const rules = limits.map((limit) => ({
    name: limit.name ?? '',
    label: profileLabel(name, limit.name ?? ''),
    capacity: limit.capacity,
    refillPerSecond: limit.refill_per_second,
  }));
  return { name, rules, maxInFlight, priority };
}

/** Those of the YAML, and those of ours that it does not define anew. */
function resolveProfiles(yaml: GatewayYaml): readonly ProfileConfig[] {
  const own = yaml.profiles ?? {};
  const shipped = Object.entries(SHIPPED_PROFILES)
    .filter(([name]) => !Object.hasOwn(own, name))
    .map(([name, numbers]) => ({
      name,
      rules: [{ name: '', label: profileLabel(name, ''), ...numbers }],
      maxInFlight: 0,
      priority: undefined,
    }));
  return [...Object.entries(own).map(resolveProfile), ...shipped];
}

function momentMs(text: string | undefined): number | undefined {
  const parsed = text === undefined ? undefined : parseMoment(text);
  return parsed?.ok === true ? parsed.value : undefined;
}

/** One that names no part was refused before. */
const resolveCertificates = (certificates: readonly CertificateYaml[]): readonly CertificateConfig[] =>
  certificates.flatMap((certificate) => {
    const named = certificatePartOf(certificate);
    return named === undefined ? [] : [{ ...named, disabled: certificate.disabled ?? false }];
  });

const resolveAuthority = ([name, authority]: [string, AuthorityYaml]): AuthorityConfig => ({
  name,
  issuerCn: authority.issuer_cn,
  part: authority.consumer ?? 'subject_cn',
  profile: authority.profile ?? '',
  groups: authority.groups ?? [],
});

const resolveConsumer = ([name, consumer]: [string, ConsumerYaml]): ConsumerConfig => ({
  name,
  profile: consumer.profile ?? '',
  groups: consumer.groups ?? [],
  disabled: consumer.disabled ?? false,
  keys: (consumer.keys ?? []).map(({ id, sha256, expires, disabled = false }) => ({
    id,
    sha256,
    expiresAtMs: momentMs(expires),
    disabled,
  })),
  certificates: resolveCertificates(consumer.certificates ?? []),
});

function keySourceOf(issuer: IssuerYaml, file: string): IssuerKeySource {
  const { jwks_url: url, jwks_file: jwksFile, public_key_file: keyFile = '' } = issuer;
  if (url !== undefined) return { kind: 'jwks_url', url };
  if (jwksFile !== undefined) return { kind: 'jwks_file', file: resolveBeside(file, jwksFile) };
  return { kind: 'public_key_file', file: resolveBeside(file, keyFile) };
}

const resolveIssuer = ([name, issuer]: [string, IssuerYaml], file: string): IssuerConfig => ({
  name,
  issuer: issuer.issuer,
  audience: issuer.audience ?? [],
  keySource: keySourceOf(issuer, file),
  algorithms: issuer.algorithms ?? ALGORITHMS,
  clockSkewMs: toMs(issuer.clock_skew_seconds ?? CLOCK_SKEW_SECONDS),
  requiresExpiry: issuer.require_exp ?? true,
  type: issuer.typ,
  consumerClaim: (issuer.consumer ?? 'claim:sub').slice('claim:'.length),
  profile: issuer.profile ?? '',
  profileClaim: issuer.profile_claim,
  groupsClaim: issuer.groups_claim,
});

export function resolveIdentities(
  env: EnvValues,
  yaml: { readonly data: GatewayYaml; readonly fileOf: (path: readonly string[]) => string } | undefined,
): IdentitiesConfig {
  const data = yaml?.data ?? {};
  return {
    apiKeyHeader: env.API_KEY_HEADER,
    apiKeys: env.API_KEYS,
    cacheMs: toMs(env.IDENTITY_CACHE_SECONDS),
    cacheEntries: env.IDENTITY_CACHE_ENTRIES,
    jwksRefreshMs: toMs(env.JWKS_REFRESH_SECONDS),
    jwksStaleMs: toMs(env.JWKS_STALE_SECONDS),
    failureCapacity: env.AUTH_FAILURE_CAPACITY,
    failureRefillPerSecond: env.AUTH_FAILURE_REFILL_RATE,
    profiles: resolveProfiles(data),
    consumers: Object.entries(data.consumers ?? {}).map(resolveConsumer),
    issuers: Object.entries(data.issuers ?? {}).map((own) =>
      resolveIssuer(own, yaml?.fileOf(['issuers', own[0]]) ?? ''),
    ),
    authorities: Object.entries(data.authorities ?? {}).map(resolveAuthority),
    readsClientCert: env.CLIENT_CERT_HEADER,
  };
}

export function resolveAuthentication(route: RouteYaml): RouteAuthenticationConfig | undefined {
  const { authenticate: methods = [], allow = {} } = route;
  if (methods.length === 0) return undefined;
  return {
    methods,
    anonymous: route.anonymous ?? false,
    queryParameter: route.authenticate_query,
    forwardsCredentials: route.forward_credentials ?? false,
    allow: { groups: allow.groups ?? [], scopes: allow.scopes ?? [], consumers: allow.consumers ?? [] },
  };
}

/** A profile's default bucket takes the place of the environment's; named limits of the route hold beside it. */
export function resolveProfileLimits(
  profiles: readonly ProfileConfig[],
  ownRules: readonly RuleSpec[],
  how: Omit<RouteLimitsConfig, 'rules'>,
): readonly ProfileLimitsConfig[] {
  const named = ownRules.filter(({ name }) => name !== '');
  return profiles.map(({ name, rules }) => ({ profile: name, limits: { ...how, rules: [...rules, ...named] } }));
}
