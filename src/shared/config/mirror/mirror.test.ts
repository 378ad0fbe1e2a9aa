import { expect, test } from 'vitest';
import { configOf, read, yamlProblemsOf } from '../test-reading.ts';

const UPSTREAMS = 'upstreams: { a: { url: http://a }, b: { url: http://b }, c: { url: http://c } }';
const yamlOf = (mirror: string, more = ''): string =>
  `routes: [{ path: /, upstream: a, mirror: ${mirror} }, { path: /b, upstream: b }${more}]\n${UPSTREAMS}`;

test('copies go to an upstream of their own', () => {
  const files = { 'g.yaml': yamlOf('{ upstream: c, percent: 0.5 }') };
  expect(configOf({ GATEWAY_CONFIG: 'g.yaml' }, files).routes.map(({ mirror }) => mirror)).toEqual([
    { upstream: 'c', percent: 0.5 },
    undefined,
  ]);
  expect(read({ GATEWAY_CONFIG: 'g.yaml' }, files).warnings).toEqual([]);
});

test.each<[string, string]>([
  ['{ upstream: c, percent: 0 }', '.percent: got 0, expected a number from 0.01 to 100'],
  ['{ upstream: c, percent: 101 }', '.percent: got 101, expected a number from 0.01 to 100'],
  ['{ upstream: c }', '.percent: missing, expected a number from 0.01 to 100'],
  ['{ upstream: d, percent: 1 }', '.upstream: got "d", expected the name of an upstream (a, b, c)'],
  [
    '{ upstream: b, percent: 1 }',
    '.upstream: requests that somebody waits for go there, expected an upstream of its own',
  ],
])('refused: %s', (mirror, line) => {
  const problems = yamlProblemsOf(yamlOf(mirror));
  expect(problems).toEqual([expect.stringContaining(`g.yaml:1: routes[0].mirror${line}`)]);
});
