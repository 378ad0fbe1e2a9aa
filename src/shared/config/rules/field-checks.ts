import { plainTwin } from '../../http/ambiguous-name.ts';
import { isToken } from '../../http/field.ts';
import { CLAIM, FORWARD, requestFieldKind } from '../../http/request-field.ts';
import { didYouMean } from '../did-you-mean.ts';
import { showValue } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { asMapping, textsIn } from './parts.ts';
import type { RouteParts } from './parts.ts';
import { mayBeSecret } from './secret-fields.ts';

type Fault = Pick<YamlProblem, 'expected' | 'reason' | 'hint'>;
type Side = 'request' | 'response';

const VARIABLES = ['consumer', 'request_id', 'client_ip'];
const VARIABLES_PHRASE = 'one of ${consumer}, ${request_id} and ${client_ip}; $${ stands for ${';
const LONGEST_VALUE = 4_096;

/** What the gateway says in answers itself, beside what it says in requests too. */
const OWN_IN_ANSWERS = /^(?:date$|ratelimit(?:-|$)|x-rate-?limit(?:-|$)|x-circuit-breaker$)/;

const HINTS: Readonly<Record<string, string>> = {
  host: 'preserve_host sends what the client has sent',
  'x-request-id': 'it is in every request and answer',
  'content-length': 'bodies are framed anew on each side',
  'transfer-encoding': 'bodies are framed anew on each side',
};

const shown = (name: string, value: string): string | undefined => (mayBeSecret(name) ? '"***"' : showValue(value));

/** What is wrong with the name of a field; see request-field.ts for those that end at this hop. */
export const nameFault = (name: string): Fault | undefined =>
  isToken(name) && name !== '__proto__' && name.length <= 256
    ? undefined
    : { expected: 'the name of a header field: letters, digits and -' };

function targetFault(name: string, side: Side): Fault | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return fault;
  const plain = plainTwin(name.toLowerCase());
  const kind = requestFieldKind(plain);
  const isOwn =
    (kind !== FORWARD && kind !== CLAIM) ||
    plain.startsWith('x-forwarded') ||
    plain.startsWith('sec-websocket-') ||
    (side === 'response' && OWN_IN_ANSWERS.test(plain));
  if (!isOwn) return undefined;
  const hint = HINTS[plain];
  return {
    expected: 'another field',
    reason: 'the gateway sets or drops it itself',
    ...(hint === undefined ? {} : { hint }),
  };
}

/** What keeps a text from being the value of a header field. */
export function valueFault(value: string): string | undefined {
  if (/[\r\n\0]/.test(value)) return 'a value without CR, LF and NUL (a text in YAML in one line, in quotes)';
  if (value === '') return 'a value that is not empty';
  if (!/^[\t\x20-\x7e]*$/.test(value)) return 'a value of printable ASCII';
  if (/^[\t ]|[\t ]$/.test(value)) return 'a value without blanks at its ends';
  return value.length > LONGEST_VALUE ? `a value of at most ${LONGEST_VALUE} characters` : undefined;
}

function variableFault(value: string, authenticates: boolean): Fault | undefined {
  for (const [whole, name] of value.matchAll(/\$\$\{|\$\{([^}]*)\}?/g)) {
    if (name === undefined) continue;
    if (!whole.endsWith('}')) return { expected: 'a } behind ${ ($${ stands for ${)' };
    if (!VARIABLES.includes(name)) {
      return { expected: VARIABLES_PHRASE, reason: `no variable \${${name.slice(0, 40)}}`, ...hintFor(name) };
    }
    if (name === 'consumer' && !authenticates) {
      return { expected: 'authenticate on this route', reason: '${consumer} is of nobody without it' };
    }
  }
  return undefined;
}

function hintFor(name: string): { readonly hint?: string } {
  const { hint } = didYouMean(name, VARIABLES);
  return hint === undefined ? {} : { hint: `${hint} (${VARIABLES.join(', ')})` };
}

/** Names of one mapping that differ in case only would be one field twice. */
export function checkOnce(
  names: readonly { readonly name: string; readonly path: readonly PropertyKey[] }[],
): readonly YamlProblem[] {
  const seen = new Map<string, string>();
  return names.flatMap(({ name, path }): readonly YamlProblem[] => {
    const lower = name.toLowerCase();
    const first = seen.get(lower);
    if (first === undefined) {
      seen.set(lower, path.slice(2).join('.'));
      return [];
    }
    return [{ path, value: undefined, expected: 'each field once', reason: `${first} is the same field` }];
  });
}

function checkSide({ given, good, path: routePath }: RouteParts, side: Side): readonly YamlProblem[] {
  const key = `${side}_headers`;
  const rules = asMapping(given[key]);
  const path = [...routePath, key];
  const authenticates = (good.authenticate ?? []).length > 0;
  const values = ['set', 'add'].flatMap((part) =>
    textsIn(rules[part]).map(([name, value]) => ({ name, value, path: [...path, part, name] })),
  );
  const removed = (Array.isArray(rules['remove']) ? rules['remove'] : []).flatMap((name: unknown, index) =>
    typeof name === 'string' ? [{ name, path: [...path, 'remove', index] }] : [],
  );
  return [
    ...[...values, ...removed].flatMap(({ name, path: place }): readonly YamlProblem[] => {
      const fault = targetFault(name, side);
      return fault === undefined ? [] : [{ path: place, value: showValue(name), ...fault }];
    }),
    ...values.flatMap(({ name, value, path: place }): readonly YamlProblem[] => {
      const expected = valueFault(value);
      if (expected !== undefined) return [{ path: place, value: shown(name, value), expected }];
      const fault = variableFault(value, authenticates);
      return fault === undefined ? [] : [{ path: place, value: shown(name, value), ...fault }];
    }),
    ...checkOnce([...values, ...removed]),
  ];
}

/** What is wrong with `request_headers` and `response_headers`. */
export const checkFieldRules = (route: RouteParts): readonly YamlProblem[] => [
  ...checkSide(route, 'request'),
  ...checkSide(route, 'response'),
];
