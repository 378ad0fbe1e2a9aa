import { expect, test } from 'vitest';
import { yamlProblemsOf } from '../test-reading.ts';

/** Problems of routes a, b, … (lines 3, 4, …), each with the given fields. */
const problemsOf = (...routes: readonly string[]): readonly string[] => {
  const lines = routes.map((fields, i) => `  - { path: /${String.fromCharCode(97 + i)}, upstream: o, ${fields} }`);
  return yamlProblemsOf(`upstreams: { o: { url: http://o } }\nroutes:\n${lines.join('\n')}\n`);
};
const limit = (fields = ''): string => `{ capacity: 1, refill_per_second: 1${fields === '' ? '' : `, ${fields}`} }`;
const limits = (...items: readonly string[]): string => `limits: [${items.join(', ')}]`;

const NAME = 'a name of lower-case letters, digits and "-", at most 32, that starts with a letter or digit';

test.each<[string, readonly string[], readonly string[]]>([
  ['not a list', ['limits: 5'], ['g.yaml:3: routes[0].limits: got 5, expected a list of limits ([] = never limited)']],
  [
    'a limit without numbers',
    ['limits: [{ name: x }]'],
    [
      'g.yaml:3: routes[0].limits[0].capacity: missing, expected a whole number from 0 to 1000000000',
      'g.yaml:3: routes[0].limits[0].refill_per_second: missing, expected a number from 0.000001 to 1000000000',
    ],
  ],
  [
    'a misspelt key',
    [limits(limit('nam: x'))],
    ['g.yaml:3: routes[0].limits[0].nam: unknown key; did you mean "name"?'],
  ],
  ['a bad name', [limits(limit('name: Burst'))], [`g.yaml:3: routes[0].limits[0].name: got "Burst", expected ${NAME}`]],
  ['the empty name', [limits(limit('name: ""'))], [`g.yaml:3: routes[0].limits[0].name: got "", expected ${NAME}`]],
  [
    'several without names',
    [limits(limit(), limit('name: x'), limit())],
    [
      'g.yaml:3: routes[0].limits[0].name: missing, expected a name, because the route has several limits',
      'g.yaml:3: routes[0].limits[2].name: missing, expected a name, because the route has several limits',
    ],
  ],
  [
    'one name twice in a route',
    [limits(limit('name: x'), limit('name: x'))],
    ['g.yaml:3: routes[0].limits[1].name: got "x", expected a name of its own; routes[0].limits[0] has this one'],
  ],
  ['one bucket for two routes', [limits(limit('name: x')), limits(limit('name: x'))], []],
  [
    'one bucket with two capacities',
    [limits(limit('name: x')), limits('{ name: x, capacity: 2, refill_per_second: 1 }')],
    [
      'g.yaml:4: routes[1].limits[0].name: got "x", expected another name, or the numbers of routes[0].limits[0]: limits of one name share one bucket',
    ],
  ],
  [
    'a name that another route was given',
    [limits(limit()), limits(limit('name: a'))],
    [
      'g.yaml:4: routes[1].limits[0].name: got "a", expected a name of its own; routes[0].limits[0] has this one (made from the route\'s name)',
    ],
  ],
  [
    'names that are only one as the names of limits',
    [`name: x.y, ${limits(limit())}`, `name: x_y, ${limits(limit())}`],
    [
      'g.yaml:4: routes[1].limits[0].name: got "x-y", expected a name of its own; routes[0].limits[0] has this one (made from the route\'s name)',
    ],
  ],
  [
    'bad fields beside them',
    ['cost: 0, on_store_failure: locl, shadow: on, lease: -1'],
    [
      'g.yaml:3: routes[0].cost: got 0, expected a whole number from 1 to 1000000',
      'g.yaml:3: routes[0].on_store_failure: got "locl", expected one of local, open, closed; did you mean "local"?',
      'g.yaml:3: routes[0].shadow: got "on", expected true or false',
      'g.yaml:3: routes[0].lease: got -1, expected a whole number from 0 to 1000000',
    ],
  ],
])('%s', (_name, routes, lines) => {
  expect(problemsOf(...routes)).toEqual(lines);
});
