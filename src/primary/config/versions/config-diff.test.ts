import { expect, test } from 'vitest';
import { configOf } from '../../../shared/config/test-reading.ts';
import type { Config } from '../../../shared/config/types.ts';
import { configDiff, summaryOf } from './config-diff.ts';

const config = (routes: string, env: Readonly<Record<string, string>> = {}, url = 'http://o'): Config =>
  configOf(
    { GATEWAY_CONFIG: 'g.yaml', ...env },
    { 'g.yaml': `upstreams: { o: { url: "${url}" } }\nroutes:\n${routes}` },
  );
const A = '  - { name: a, path: /a, upstream: o }\n';
const B = '  - { name: b, path: /b, upstream: o }\n';

test('the same differs in nothing', () => {
  expect(configDiff(config(A), config(A))).toEqual([]);
});

test('routes that came, went and changed are named', () => {
  const differences = configDiff(
    config(A + B),
    config(`${A.replace('/a,', '/aa,')}  - { name: c, path: /c, upstream: o }\n`),
  );
  expect(differences).toMatchObject([
    { path: 'routes[a].path', change: 'changed', before: '"/a"', after: '"/aa"' },
    { path: 'routes[b]', change: 'removed' },
    { path: 'routes[c]', change: 'added' },
  ]);
  expect(summaryOf(differences)).toBe('~routes[a] -routes[b] +routes[c]');
});

test('another order is told as such', () => {
  expect(configDiff(config(A + B), config(B + A))).toEqual([
    { path: 'routes', change: 'changed', before: '["a","b"]', after: '["b","a"]' },
  ]);
});

test('a secret that is another is told, and not shown', () => {
  const at = (secret: string): Config =>
    config(A, { PATH_SECRET: secret, ADMIN_TOKEN: `t-${secret}` }, 'http://o/${PATH_SECRET}');
  const differences = configDiff(at('hush-one'), at('hush-two'));
  expect(differences.map(({ path }) => path)).toEqual(['server.adminToken', 'upstreams[o].targets']);
  expect(differences[0]).toMatchObject({ before: '"***"', after: '"***" (another)' });
  expect(JSON.stringify(differences)).not.toContain('hush');
});
