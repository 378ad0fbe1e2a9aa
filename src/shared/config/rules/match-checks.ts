import { FORWARD, requestFieldKind } from '../../http/request-field.ts';
import { showValue } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { checkOnce, nameFault, valueFault } from './field-checks.ts';
import { asMapping, textsIn } from './parts.ts';
import type { RouteParts } from './parts.ts';

/** Their values are secrets, which belong in no configuration; and each client has its own. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie']);

/** What keeps requests from having such a field as a condition. */
export function headerFault(name: string): Pick<YamlProblem, 'expected' | 'reason' | 'hint'> | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return fault;
  const lower = name.toLowerCase();
  if (CREDENTIALS.has(lower))
    return { expected: 'another field', reason: 'it is a secret', hint: 'authenticate says who may use a route' };
  if (requestFieldKind(lower) === FORWARD) return undefined;
  const hint = lower === 'host' ? { hint: 'a route has a host of its own' } : {};
  return { expected: 'a field that clients speak to the upstream in', reason: 'it is for the gateway', ...hint };
}

/** Requests bring any text: only what no text of a query is decoded to would never be met. */
const parameterFault = (name: string): string | undefined => (name === '' ? 'the name of a parameter' : undefined);

/** What is wrong with `match`. */
export function checkMatch({ given, path: routePath }: RouteParts): readonly YamlProblem[] {
  if (!('match' in given)) return [];
  const match = asMapping(given['match']);
  const path = [...routePath, 'match'];
  const headers = textsIn(match['headers']).map(([name, value]) => ({ name, value, path: [...path, 'headers', name] }));
  const query = textsIn(match['query']).map(([name]) => ({ name, path: [...path, 'query', name] }));
  const isEmpty = [match['headers'], match['query']].every((part) => Object.keys(asMapping(part)).length === 0);
  const empty: readonly YamlProblem[] = isEmpty
    ? [{ path, value: undefined, expected: 'headers or query with a condition', reason: 'it asks for nothing' }]
    : [];
  return [
    ...empty,
    ...headers.flatMap(({ name, value, path: place }): readonly YamlProblem[] => {
      const fault = headerFault(name);
      if (fault !== undefined) return [{ path: place, value: showValue(name), ...fault }];
      const expected = valueFault(value);
      return expected === undefined ? [] : [{ path: place, value: showValue(value), expected }];
    }),
    ...checkOnce(headers),
    ...query.flatMap(({ name, path: place }): readonly YamlProblem[] => {
      const expected = parameterFault(name);
      return expected === undefined ? [] : [{ path: place, value: showValue(name), expected }];
    }),
  ];
}
