import { expect, test } from 'vitest';
import type { RewriteConfig, RouteAnswerConfig } from '../../../shared/config/rules/types.ts';
import { compileRoute } from '../../../shared/http/path-table.ts';
import type { CompiledRoute } from '../../../shared/http/path-table.ts';
import type { RouteConfig } from '../../../shared/config/types.ts';
import { compileRewrite } from './rewrite.ts';
import { compileAnswer } from './rule-answer.ts';

const route = (path: string, more: Partial<RouteConfig> = {}): CompiledRoute<undefined> =>
  compileRoute(
    { path, exact: false, ignoreCase: false, ignoreTrailingSlash: false, ...more } as RouteConfig,
    undefined,
  );

test.each([
  ['/api', '/v2', '/api', '/v2'],
  ['/api', '/v2', '/api/', '/v2/'],
  ['/api', '/v2', '/api/a/b', '/v2/a/b'],
  ['/api', '', '/api', '/'],
  ['/api', '', '/api/a', '/a'],
  ['/', '/v2', '/', '/v2/'],
  ['/', '/v2', '/a', '/v2/a'],
  ['/api', '/v2', '/api%2Fa', '/v2/a'],
  ['/api', '/v2', '/api;x=1/a', '/v2/a'],
])('%s with prefix %s: %s -> %s', (path, prefix, ...[asked, expected]) => {
  expect(compileRewrite({ kind: 'prefix', prefix })(route(path), asked)).toBe(expected);
});

test('of an exact path all is replaced', () => {
  expect(compileRewrite({ kind: 'prefix', prefix: '/b' })(route('/a', { exact: true }), '/a')).toBe('/b');
});

const pattern = (text: string, to: string): RewriteConfig => ({ kind: 'pattern', pattern: text, to });

test.each([
  ['^/u/(\\d+)$', '/users/$1', '/u/7', '/users/7'],
  ['^/u/(\\d+)$', '/users/$1', '/u/x', '/u/x'],
  ['\\.php$', '/index', '/a.php', '/a/index'],
  ['^/(.*)$', '/$$1/$1', '/a', '/$1/a'],
  ['^/(.)(.)(.*)$', '/$2$1/$3', '/.a./x', '/a./x'],
  ['^/x(.)y(.)/(.*)$', '/$1$2/$3', '/x.y./etc', undefined],
  ['^/a/x(.)y(.)/(.*)$', '/a/$1$2/$3', '/a/x.y./etc', '/etc'],
  ['^/(.*)$', '/$1', '//evil.example', '//evil.example'],
])('%s to %s: %s -> %s', (text, to, ...[asked = '', expected]) => {
  expect(compileRewrite(pattern(text, to))(route('/'), asked)).toBe(expected);
});

const redirect = (to: string, keepPath = false): RouteAnswerConfig => ({ kind: 'redirect', to, status: 307, keepPath });

test.each([
  ['/new', false, '/old/a', '/new'],
  ['/new', false, '/old?x=1', '/new?x=1'],
  ['/new?y=2', false, '/old?x=1', '/new?y=2&x=1'],
  ['/new#part', false, '/old?x=1', '/new?x=1#part'],
  ['/new', false, '/old?', '/new?'],
  ['https://n.example', true, '/old/a?x=1', 'https://n.example/old/a?x=1'],
  ['https://n.example/base', true, '/a', 'https://n.example/base/a'],
  ['', true, '//evil.example/a', '/evil.example/a'],
  ['', true, '///evil.example', '/evil.example'],
  ['', true, '/a//b', '/a//b'],
])('redirect to %j (keep_path: %s) of %s goes to %s', (to, keepPath, ...[target, location]) => {
  expect(compileAnswer(redirect(to, keepPath)).fieldsFor(target)).toBe(`location: ${location}\r\n`);
});
