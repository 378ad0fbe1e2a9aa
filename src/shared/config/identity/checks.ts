import { didYouMean } from '../did-you-mean.ts';
import type { EnvValues } from '../env-table.ts';
import { messageRuleNameOf, ruleNameOf } from '../limits/rule-name.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import { routeName } from '../routes/conflicts.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { checkCertificates } from './certificate-checks.ts';
import { SHIPPED_PROFILE_NAMES } from './profiles.ts';
import type { AuthorityYaml, ConsumerYaml, IssuerYaml, ProfileYaml } from './yaml.ts';

/** What of the file says who calls; each part is right by itself, and its names are as they stand there. */
export interface IdentityParts {
  readonly profiles: Readonly<Record<string, Partial<ProfileYaml>>>;
  readonly consumers: Readonly<Record<string, Partial<ConsumerYaml>>>;
  readonly issuers: Readonly<Record<string, Partial<IssuerYaml>>>;
  readonly authorities: Readonly<Record<string, Partial<AuthorityYaml>>>;
  /** The environment says where certificates of clients come from. */
  readonly takesCertificates: boolean;
  readonly routes: readonly Partial<RouteYaml>[];
}

const missing = (path: readonly PropertyKey[], expected: string): YamlProblem => ({ path, value: undefined, expected });

interface Naming {
  /** A profile, a consumer. */
  readonly what: string;
  readonly known: readonly string[];
}

function unknownName(path: readonly PropertyKey[], name: string, { what, known }: Naming): YamlProblem {
  const listed = known.length === 0 ? 'none is defined' : known.slice(0, 10).join(', ');
  return { path, value: showValue(name), expected: `the name of ${what} (${listed})`, ...didYouMean(name, known) };
}

function checkProfileNames({ profiles, consumers, issuers, authorities }: IdentityParts): readonly YamlProblem[] {
  const known = [...new Set([...Object.keys(profiles), ...SHIPPED_PROFILE_NAMES])];
  const of = (
    section: string,
    all: Readonly<Record<string, { profile?: string | undefined }>>,
  ): readonly YamlProblem[] =>
    Object.entries(all).flatMap(([name, { profile }]) =>
      profile === undefined || known.includes(profile)
        ? []
        : [unknownName([section, name, 'profile'], profile, { what: 'a profile', known })],
    );
  return [...of('consumers', consumers), ...of('issuers', issuers), ...of('authorities', authorities)];
}

/** A hash that two keys have would leave open whose it is; nobody can say which, so it is shown shortened. */
function checkKeys(consumers: IdentityParts['consumers']): readonly YamlProblem[] {
  const firsts = new Map<string, readonly [consumer: string, index: number]>();
  return Object.entries(consumers).flatMap(([name, { keys = [] }]) =>
    keys.flatMap(({ id, sha256 }, index): readonly YamlProblem[] => {
      const problems: YamlProblem[] = [];
      const path = ['consumers', name, 'keys', index];
      const first = firsts.get(sha256);
      if (first === undefined) firsts.set(sha256, [name, index]);
      else {
        problems.push({
          path: [...path, 'sha256'],
          value: showValue(`${sha256.slice(0, 8)}…`),
          expected: `another key; consumers.${first[0]}.keys[${first[1]}] has this one`,
          first: ['consumers', first[0], 'keys', first[1]],
        });
      }
      const namesake = keys.findIndex((other) => other.id === id);
      if (namesake < index) {
        problems.push({
          path: [...path, 'id'],
          value: showValue(id),
          expected: `a name of its own; keys[${namesake}] has this one`,
        });
      }
      return problems;
    }),
  );
}

/** Names of a profile's buckets are those of its consumer, beside the route's. */
function checkBuckets({ profiles, routes }: IdentityParts): readonly YamlProblem[] {
  const ofRoutes = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const own = routeName(route) ?? '';
    const buckets = [
      ...(route.limits ?? []).map(({ name }) => name ?? ruleNameOf(own)),
      ...(route.websocket?.message_limits ?? []).map(({ name }) => name ?? messageRuleNameOf(own)),
    ];
    for (const bucket of buckets) if (!ofRoutes.has(bucket)) ofRoutes.set(bucket, index);
  }
  return Object.entries(profiles).flatMap(([profile, { limits = [] }]) =>
    limits.flatMap(({ name }, index): readonly YamlProblem[] => {
      const path = ['profiles', profile, 'limits', index, 'name'];
      const same = limits.findIndex((other) => other.name === name);
      if (same < index) {
        return [
          {
            path,
            value: showValue(name),
            expected: `a name of its own; limits[${same}] has ${name === undefined ? 'none either' : 'this one'}`,
          },
        ];
      }
      const route = name === undefined ? undefined : ofRoutes.get(name);
      if (route === undefined) return [];
      return [
        {
          path,
          value: showValue(name),
          expected: `a name of its own; a limit of routes[${route}] has this one`,
          first: ['routes', route, 'limits'],
        },
      ];
    }),
  );
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

function checkJwksUrl(text: string, insecure: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) return 'an https URL';
  if (url.username !== '' || url.password !== '') return 'a URL without user name and password';
  if (url.protocol === 'http:' && !insecure && !LOOPBACK.test(url.hostname)) {
    return 'an https URL (http only from this machine, or with insecure: true)';
  }
  return undefined;
}

const KEY_SOURCES = ['jwks_url', 'jwks_file', 'public_key_file'] as const;

function checkIssuers(issuers: IdentityParts['issuers']): readonly YamlProblem[] {
  const firsts = new Map<string, string>();
  return Object.entries(issuers).flatMap(([name, issuer]): readonly YamlProblem[] => {
    const path = ['issuers', name];
    const problems: YamlProblem[] = [];
    const given = KEY_SOURCES.filter((source) => issuer[source] !== undefined);
    if (given.length === 0) problems.push(missing([...path, 'jwks_url'], 'it, jwks_file or public_key_file'));
    for (const other of given.slice(1)) {
      const expected = `only one of ${KEY_SOURCES.join(', ')}`;
      problems.push({ ...missing([...path, other], expected), reason: `${given[0]} is set too` });
    }
    const { jwks_url: url, insecure = false } = issuer;
    const bad = url === undefined ? undefined : checkJwksUrl(url, insecure);
    if (bad !== undefined) problems.push({ path: [...path, 'jwks_url'], value: showValue(url), expected: bad });
    const same = issuer.issuer === undefined ? undefined : firsts.get(issuer.issuer);
    if (same !== undefined) {
      problems.push({
        path: [...path, 'issuer'],
        value: showValue(issuer.issuer),
        expected: `another one; issuers.${same} has this one`,
        first: ['issuers', same, 'issuer'],
      });
    } else if (issuer.issuer !== undefined) firsts.set(issuer.issuer, name);
    return problems;
  });
}

/** Consumers of both would have the same names. */
const checkAuthorities = ({ authorities, issuers }: IdentityParts): readonly YamlProblem[] =>
  Object.keys(authorities)
    .filter((name) => Object.hasOwn(issuers, name))
    .map((name) => ({
      path: ['authorities', name],
      value: showValue(name),
      expected: 'a name of its own; one of the issuers has this one',
    }));

const ONLY_WITH_AUTHENTICATE = ['allow', 'anonymous', 'authenticate_query', 'forward_credentials'] as const;

function checkRoute(
  route: Partial<RouteYaml>,
  index: number,
  { consumers, issuers, authorities, takesCertificates }: IdentityParts,
): readonly YamlProblem[] {
  const { authenticate = [], allow } = route;
  const path = ['routes', index];
  const problems: YamlProblem[] = [];
  if (authenticate.length === 0) {
    for (const key of ONLY_WITH_AUTHENTICATE) {
      if (route[key] !== undefined)
        problems.push({ ...missing([...path, key], 'authenticate with it'), reason: 'nobody is asked who he is' });
    }
    return problems;
  }
  for (const [at, method] of authenticate.entries()) {
    if (authenticate.indexOf(method) < at) {
      problems.push({ path: [...path, 'authenticate', at], value: showValue(method), expected: 'every way only once' });
    }
  }
  if (allow !== undefined && route.anonymous === true) {
    const reason = 'whom it refuses leaves the credential out, and passes';
    problems.push({ ...missing([...path, 'allow'], 'only one of allow and anonymous'), reason });
  }
  if (authenticate.includes('jwt') && Object.keys(issuers).length === 0) {
    problems.push({ ...missing(['issuers'], `one or more issuers, because routes[${index}] takes jwt`) });
  }
  if (authenticate.includes('certificate') && !takesCertificates) {
    const expected = 'TLS_CLIENT_AUTH=optional or CLIENT_CERT_HEADER=on in the environment with it';
    problems.push({
      path: [...path, 'authenticate', authenticate.indexOf('certificate')],
      value: showValue('certificate'),
      expected,
    });
  }
  if (allow?.scopes !== undefined && !authenticate.includes('jwt')) {
    problems.push({
      ...missing([...path, 'allow', 'scopes'], 'jwt in authenticate with it'),
      reason: 'only tokens have scopes',
    });
  }
  const namesOthers = authenticate.includes('jwt') || Object.keys(authorities).length > 0;
  if (allow?.consumers !== undefined && !namesOthers) {
    const known = Object.keys(consumers);
    for (const [at, name] of allow.consumers.entries()) {
      // Keys in Redis have consumers that the file need not name.
      if (known.length > 0 && !known.includes(name) && didYouMean(name, known).hint !== undefined) {
        problems.push(unknownName([...path, 'allow', 'consumers', at], name, { what: 'a consumer', known }));
      }
    }
  }
  return problems;
}

/** What needs several parts of the file to judge. */
export const checkIdentity = (parts: IdentityParts): readonly YamlProblem[] => [
  ...checkProfileNames(parts),
  ...checkKeys(parts.consumers),
  ...checkCertificates(parts.consumers),
  ...checkAuthorities(parts),
  ...checkBuckets(parts),
  ...checkIssuers(parts.issuers),
  ...parts.routes.flatMap((route, index) => checkRoute(route, index, parts)),
];

/** What needs several variables to judge. */
export function checkIdentityEnv(
  values: EnvValues,
  sound: (...names: readonly ('API_KEYS' | 'REDIS_URL')[]) => boolean,
): readonly Problem[] {
  if (values.API_KEYS !== 'redis' || values.REDIS_URL !== undefined || !sound('API_KEYS', 'REDIS_URL')) return [];
  return [
    {
      key: 'API_KEYS',
      value: JSON.stringify(values.API_KEYS),
      expected: 'REDIS_URL with it (both keeps keys in STATE_DIR where there is no Redis)',
    },
  ];
}
