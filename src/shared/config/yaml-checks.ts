import type * as z from 'zod';
import { checkBounds } from './bounds.ts';
import { checkAuthorize } from './authorize/checks.ts';
import { authorizeSchema } from './authorize/yaml.ts';
import { checkBreaker } from './breaker/checks.ts';
import { checkCaFile } from './tls/certificates.ts';
import { didYouMean } from './did-you-mean.ts';
import { checkHealth } from './health/checks.ts';
import { checkIdentity } from './identity/checks.ts';
import { authoritySchema, consumerSchema, issuerSchema, profileSchema } from './identity/yaml.ts';
import { checkLimits } from './limits/checks.ts';
import { showValue } from './problems.ts';
import { checkRules } from './rules/checks.ts';
import { checkCircles } from './rules/circles.ts';
import { resolveBeside } from './text-file.ts';
import type { ReadFile } from './text-file.ts';
import { checkMirrors } from './mirror/checks.ts';
import { checkSplit } from './split/checks.ts';
import { checkConcurrency } from './overload/checks.ts';
import { checkRetries } from './retries/checks.ts';
import { checkWeights } from './targets/checks.ts';
import { urlOf } from './targets/resolve.ts';
import { parseTargets } from './upstreams/target-url.ts';
import { checkRoutesApart } from './routes/conflicts.ts';
import { gatewaySchema, routeSchema, upstreamSchema, NAME_PHRASE } from './yaml-schema.ts';
import type { RouteYaml, UpstreamYaml } from './yaml-schema.ts';
import { fromIssue } from './yaml-problems.ts';
import type { YamlProblem } from './yaml-problems.ts';

/** What the checks need from outside the YAML. */
export interface YamlSurroundings {
  /** Name of the YAML file that a part stands in; files it names lie beside it. */
  readonly fileOf: (path: readonly PropertyKey[]) => string;
  readonly readFile: ReadFile;
  /** UPSTREAM_URL is set, so that the upstream `default` exists in any case. */
  readonly hasDefaultUpstream: boolean;
  /** Request threads; undefined: it is not known how many, or there are none. */
  readonly workers: number | undefined;
  /** Certificates of clients come from somewhere. */
  readonly takesCertificates: boolean;
}

type Mapping = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

/** The fields of a section that are right by themselves, so that one bad field does not hide what is wrong with others. */
function goodFields<S extends z.ZodObject>(schema: S, value: unknown): Partial<z.infer<S>> {
  const given = mapping(value);
  const fields = Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>).flatMap(([key, field]) => {
    const parsed = field.safeParse(given[key]);
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(fields) as Partial<z.infer<S>>;
}

const goodSections = <S extends z.ZodObject>(
  sections: unknown,
  schema: S,
): Readonly<Record<string, Partial<z.infer<S>>>> =>
  Object.fromEntries(Object.entries(mapping(sections)).map(([name, value]) => [name, goodFields(schema, value)]));

/** Exactly one of two keys that say the same thing in two ways. */
function checkOneOf(
  value: unknown,
  path: readonly PropertyKey[],
  [one, other]: readonly [string, string],
): readonly YamlProblem[] {
  const given = mapping(value);
  if (one in given && other in given) {
    const expected = `only one of ${one} and ${other}`;
    return [{ path: [...path, other], value: undefined, expected, reason: `${one} is set too` }];
  }
  if (one in given || other in given || given !== value) return [];
  return [{ path: [...path, one], value: undefined, expected: `it or ${other}` }];
}

function checkUpstream(name: string, value: unknown, around: YamlSurroundings): readonly YamlProblem[] {
  const path = ['upstreams', name];
  // The schema of the file does not see this key, because zod leaves it out of what it reads.
  if (name === '__proto__') return [{ path, value: showValue(name), expected: NAME_PHRASE }];
  const upstream: Partial<UpstreamYaml> = goodFields(upstreamSchema, value);
  const problems = [...checkOneOf(value, path, ['url', 'targets'])];
  const targets = parseTargets((upstream.targets ?? []).map(urlOf));
  if (!targets.ok) {
    problems.push({ path: [...path, 'targets'], value: showValue(targets.got), expected: targets.expected });
  }
  problems.push(...checkWeights(upstream.targets ?? [], [...path, 'targets']));
  const caFile = upstream.tls?.ca_file;
  const bad =
    caFile === undefined ? undefined : checkCaFile(around.readFile, resolveBeside(around.fileOf(path), caFile));
  if (bad !== undefined) problems.push({ path: [...path, 'tls', 'ca_file'], value: showValue(caFile), ...bad });
  problems.push(...checkBreaker(upstream.circuit_breaker ?? {}, [...path, 'circuit_breaker']));
  problems.push(...checkHealth(value, path));
  problems.push(...checkConcurrency(upstream.concurrency?.max, around.workers, [...path, 'concurrency', 'max']));
  return problems;
}

function checkUpstreamName(route: Partial<RouteYaml>, index: number, names: readonly string[]): readonly YamlProblem[] {
  const { upstream, split = [], mirror } = route;
  const known = names.length === 0 ? 'none is defined' : names.join(', ');
  const expected = `the name of an upstream (${known})`;
  const path = ['routes', index];
  const named = [
    ...(upstream === undefined ? [] : [{ name: upstream, path: [...path, 'upstream'] }]),
    ...(mirror === undefined ? [] : [{ name: mirror.upstream, path: [...path, 'mirror', 'upstream'] }]),
    ...split.map(({ upstream: name }, side) => ({ name, path: [...path, 'split', side, 'upstream'] })),
  ];
  return named
    .filter(({ name }) => !names.includes(name))
    .map(({ name, path: place }) => ({
      path: place,
      value: showValue(name),
      expected,
      ...didYouMean(name, names),
    }));
}

function checkAuthorizer(value: unknown, index: number, upstreams: readonly string[]): readonly YamlProblem[] {
  const route = mapping(value);
  if (!('authorize' in route)) return [];
  const { authorize, authenticate } = route;
  const path = ['routes', index, 'authorize'];
  const authenticates = Array.isArray(authenticate) && authenticate.length > 0;
  return [
    ...checkOneOf(authorize, path, ['url', 'upstream']),
    ...checkAuthorize(goodFields(authorizeSchema, authorize), { path, upstreams, authenticates }),
  ];
}

/** Everything that is wrong with the data of a YAML file, in no particular order. */
export function checkYaml(value: unknown, around: YamlSurroundings): readonly YamlProblem[] {
  // Alone: to say what else is wrong with so much would take long, and bring nobody further.
  const tooMuch = checkBounds(mapping(value), around.hasDefaultUpstream);
  if (tooMuch.length > 0) return tooMuch;
  const schema = gatewaySchema.safeParse(value, { reportInput: true });
  const problems = schema.success ? [] : schema.error.issues.flatMap(fromIssue);
  const file = mapping(value);
  if (file !== value) return problems;

  const upstreams = mapping(file['upstreams']);
  const names = [...Object.keys(upstreams), ...(around.hasDefaultUpstream ? ['default'] : [])];
  problems.push(...Object.entries(upstreams).flatMap(([name, upstream]) => checkUpstream(name, upstream, around)));

  if (!('routes' in file) && !names.includes('default')) {
    const expected = 'at least one route (without routes, /proxy goes to the upstream named default)';
    problems.push({ path: ['routes'], value: undefined, expected });
  }
  const given: readonly unknown[] = Array.isArray(file['routes']) ? file['routes'] : [];
  const routes = given.map((route) => goodFields(routeSchema, route));
  problems.push(...given.flatMap((route, index) => checkOneOf(route, ['routes', index], ['path', 'exact'])));
  problems.push(...routes.flatMap((route, index) => checkUpstreamName(route, index, names)));
  problems.push(...routes.flatMap(checkRetries));
  problems.push(...routes.flatMap(checkSplit));
  problems.push(...checkMirrors(routes));
  problems.push(
    ...routes.flatMap((good, index) => {
      const route = mapping(given[index]);
      return route === given[index] ? checkRules({ given: route, good, path: ['routes', index] }) : [];
    }),
  );
  problems.push(...given.flatMap((route, index) => checkAuthorizer(route, index, names)));
  const identity = checkIdentity({
    profiles: goodSections(file['profiles'], profileSchema),
    consumers: goodSections(file['consumers'], consumerSchema),
    issuers: goodSections(file['issuers'], issuerSchema),
    authorities: goodSections(file['authorities'], authoritySchema),
    takesCertificates: around.takesCertificates,
    routes,
  });
  return [
    ...problems,
    ...checkRoutesApart(routes),
    ...checkCircles(routes, given),
    ...checkLimits(routes),
    ...identity,
  ];
}
