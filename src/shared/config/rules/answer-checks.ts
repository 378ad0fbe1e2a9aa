import { showValue } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { valueFault } from './field-checks.ts';
import { checkDetour } from './detour-checks.ts';
import { asMapping, isDetour } from './parts.ts';
import type { RouteParts } from './parts.ts';
import { redirectFault } from './redirect-place.ts';
import { DESTINATIONS } from './yaml.ts';

/** A redirect of some requests leaves the others to something else. */
const isDestination = (given: RouteParts['given'], key: (typeof DESTINATIONS)[number]): boolean =>
  key in given && !(key === 'redirect' && isDetour(given[key]));

/** An upstream, or an answer in place of one. */
function checkDestination({ given, path }: RouteParts): readonly YamlProblem[] {
  const [first, ...others] = DESTINATIONS.filter((key) => isDestination(given, key));
  if (first === undefined) {
    const expected =
      'redirect' in given
        ? 'the name of an upstream (or split or respond) for whom redirect does not send elsewhere'
        : 'the name of an upstream (or split, redirect or respond)';
    return [{ path: [...path, 'upstream'], value: undefined, expected }];
  }
  return others.map((other) => ({
    path: [...path, other],
    value: undefined,
    expected: 'only one of upstream, split, redirect and respond',
    reason: `${first} is set too`,
  }));
}

/** Keys about what comes after the answer: authentication, limits, the upstream. */
const OF_FORWARDING = [
  'authorize',
  'websocket',
  'preserve_host',
  'timeouts',
  'retries',
  'mirror',
  'max_body_bytes',
  'rewrite',
  'request_headers',
  'limits',
  'cost',
  'on_store_failure',
  'shadow',
  'lease',
  'authenticate',
  'anonymous',
  'authenticate_query',
  'forward_credentials',
  'allow',
];

/** A list with nothing in it, or `false`: it says that there is none. */
const saysNone = (value: unknown): boolean => value === false || (Array.isArray(value) && value.length === 0);

/** Whoever writes such a key believes that it holds. */
function checkUnused({ given, path }: RouteParts): readonly YamlProblem[] {
  if ('upstream' in given || 'split' in given || !('redirect' in given || 'respond' in given)) return [];
  const answer = isDestination(given, 'redirect') ? 'redirect' : 'respond';
  const keepsPath = answer === 'redirect' && asMapping(given['redirect'])['keep_path'] === true;
  const keys = keepsPath ? OF_FORWARDING : [...OF_FORWARDING, 'strip_prefix'];
  return keys
    .filter((key) => key in given && !saysNone(given[key]))
    .map((key) => ({
      path: [...path, key],
      value: undefined,
      expected: 'it on a route with an upstream only',
      reason: `${answer} answers before it`,
    }));
}

function checkRedirect({ given, path }: Omit<RouteParts, 'good'>): readonly YamlProblem[] {
  if (!('redirect' in given)) return [];
  const { to, keep_path: keepPath } = asMapping(given['redirect']);
  if (isDetour(given['redirect'])) return checkDetour({ given, path });
  if (to === undefined) {
    return [{ path: [...path, 'redirect', 'to'], value: undefined, expected: 'a URL or path, or scheme: https' }];
  }
  const expected = typeof to === 'string' ? redirectFault(to, keepPath === true) : undefined;
  return expected === undefined ? [] : [{ path: [...path, 'redirect', 'to'], value: showValue(to), expected }];
}

const BODIES = ['text', 'json', 'body'];
const MOST_BODY_BYTES = 65_536;
/** Statuses of answers that never have a body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5). */
const WITHOUT_BODY: readonly unknown[] = [204, 205, 304];
/** RFC 9110, section 8.3.1. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;.*)?$/;

const bodyOf = (given: unknown, key: string): string =>
  key !== 'json' && typeof given === 'string' ? given : (JSON.stringify(given) ?? '');

function checkRespond({ given, path: routePath }: RouteParts): readonly YamlProblem[] {
  if (!('respond' in given)) return [];
  const respond = asMapping(given['respond']);
  const path = [...routePath, 'respond'];
  const { status, type } = respond;
  const [first, ...others] = BODIES.filter((key) => key in respond);
  const problems: YamlProblem[] = others.map((key) => ({
    path: [...path, key],
    value: undefined,
    expected: 'only one of text, json and body',
    reason: `${first} is set too`,
  }));
  const add = (key: string, expected: string, reason?: string): void =>
    void problems.push({
      path: [...path, key],
      value: undefined,
      expected,
      ...(reason === undefined ? {} : { reason }),
    });

  if (first !== undefined && WITHOUT_BODY.includes(status))
    add(first, 'another status', `a ${String(status)} has no body`);
  if (first === 'body' && type === undefined) add('type', 'the Content-Type of body, such as text/html; charset=utf-8');
  if (first === undefined && type !== undefined) add('type', 'text, json or body', 'there is no body of that type');
  if (typeof type === 'string' && (valueFault(type) !== undefined || !MEDIA_TYPE.test(type))) {
    problems.push({
      path: [...path, 'type'],
      value: showValue(type),
      expected: 'a media type such as text/html; charset=utf-8',
    });
  }
  const bytes = first === undefined ? 0 : Buffer.byteLength(bodyOf(respond[first], first));
  if (bytes > MOST_BODY_BYTES && first !== undefined)
    add(first, `at most ${MOST_BODY_BYTES} bytes`, `it has ${bytes} bytes`);
  return problems;
}

/** What is wrong with `redirect` and `respond`, and where a route goes. */
export const checkAnswers = (route: RouteParts): readonly YamlProblem[] => [
  ...checkDestination(route),
  ...checkUnused(route),
  ...checkRedirect(route),
  ...checkRespond(route),
];
