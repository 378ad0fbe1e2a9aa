import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { defaultNodeName } from './node-name.ts';
import { readConfig } from '../read-config.ts';
import { configOf, memoryFiles, problemsOf } from '../test-reading.ts';

test.each<[string, number, string]>([
  ['gw1', 0, 'gw1-0000'],
  ['gw1.example_x', 0.999_999, 'gw1.example_x-ffff'],
  ['Büro, 2', 0.5, 'B-ro-2-8000'],
  ['-', 0.5, 'node-8000'],
  ['', 0.5, 'node-8000'],
  ['h'.repeat(253), 0.5, `${'h'.repeat(59)}-8000`],
])('host %j and chance %d give %s, which NODE_NAME would take', (host, chance, name) => {
  expect(defaultNodeName(host, chance)).toBe(name);
  expect(configOf({ NODE_NAME: name }).node).toEqual({ name });
});

test('reading again, as a reload does, gives the same name', () => {
  const [one, two] = [readConfig({}, memoryFiles({})), readConfig({}, memoryFiles({}))];
  const name = one.ok ? one.config.node.name : '';
  expect(name).toMatch(/-[0-9a-f]{4}$/);
  expect(two).toMatchObject({ config: { node: { name } } });
  expect(configOf({}).node.name).toBe(defaultNodeName(hostname(), 0.5));
});

test.each(['a b', 'a,b', '-a', 'a:b', 'é', 'x'.repeat(65)])('NODE_NAME %j is refused', (NODE_NAME) => {
  expect(problemsOf({ NODE_NAME })).toEqual([
    `NODE_NAME: got ${JSON.stringify(NODE_NAME)}, expected letters, digits, ".", "_" and "-", at most 64, the first a letter or digit`,
  ]);
});
