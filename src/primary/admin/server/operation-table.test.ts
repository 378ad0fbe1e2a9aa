import { describe, expect, test } from 'vitest';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AdminMethod } from '../contract/operation.ts';
import { OperationTable } from './operation-table.ts';

const op = (method: AdminMethod, path: string) =>
  operation({ method, path, id: `${method} ${path}`, summary: '', handle: () => json(200, {}) });

const table = new OperationTable([
  op('GET', '/admin/limits/{client}'),
  op('DELETE', '/admin/limits/{client}'),
  op('GET', '/admin/limits/top'),
  op('POST', '/admin/reload'),
  op('GET', '/admin'),
]);

/** `id` and values, or the kind of what was found. */
function find(method: string, path: string): unknown {
  const found = table.find(method, path);
  return found.kind === 'operation' ? [found.operation.id, found.params] : found.kind;
}

describe('finding an operation', () => {
  test('by path and method', () => {
    expect(find('POST', '/admin/reload')).toEqual(['POST /admin/reload', {}]);
    expect(find('GET', '/admin')).toEqual(['GET /admin', {}]);
    expect(find('DELETE', '/admin/limits/10.0.0.1')).toEqual(['DELETE /admin/limits/{client}', { client: '10.0.0.1' }]);
  });

  test('HEAD is GET', () => {
    expect(find('HEAD', '/admin/limits/top')).toEqual(['GET /admin/limits/top', {}]);
    expect(find('HEAD', '/admin/reload')).toBe('wrong-method');
  });

  test('a fixed path comes first, however they were declared', () => {
    expect(find('GET', '/admin/limits/top')).toEqual(['GET /admin/limits/top', {}]);
    expect(find('DELETE', '/admin/limits/top')).toBe('wrong-method');
    expect(find('DELETE', '/admin/limits/%74op')).toEqual(['DELETE /admin/limits/{client}', { client: 'top' }]);
  });

  test.each([
    ['%E2%82%AC', '€'],
    ['a%2Fb', 'a/b'],
    ['2001%3Adb8%3A%3A%2F64', '2001:db8::/64'],
    ['__proto__', '__proto__'],
    ['..', '..'],
    ['a+b', 'a+b'],
    ['%25', '%'],
  ])('the value %s is %s', (given, value) => {
    const found = table.find('GET', `/admin/limits/${given}`);
    expect(found.kind === 'operation' && found.params['client']).toBe(value);
  });

  test.each(['%', '%zz', '%ff', 'a%2', 'x'.repeat(1_025)])('the value %.10s is none', (given) => {
    expect(table.find('GET', `/admin/limits/${given}`)).toMatchObject({ kind: 'bad-param', name: 'client' });
  });

  test.each([
    '/',
    '',
    '/admin/',
    '/admin/limits',
    '/admin/limits/',
    '/admin/limits/a/b',
    '/Admin',
    '//admin',
    'http://x/admin',
    '/toString',
  ])('%j is nothing', (path) => {
    expect(find('GET', path)).toBe('nothing');
  });

  test('says which methods a path takes', () => {
    expect(table.find('PATCH', '/admin/limits/x')).toEqual({ kind: 'wrong-method', allow: ['GET', 'HEAD', 'DELETE'] });
    expect(table.find('get', '/admin')).toEqual({ kind: 'wrong-method', allow: ['GET', 'HEAD'] });
    expect(table.find('GET', '/admin/reload')).toEqual({ kind: 'wrong-method', allow: ['POST'] });
  });

  test('lists the paths', () => {
    expect(table.paths()).toEqual(['/admin', '/admin/limits/top', '/admin/limits/{client}', '/admin/reload']);
  });
});

test('two of the same are a fault of ours', () => {
  expect(() => new OperationTable([op('GET', '/a'), op('GET', '/a')])).toThrow('two operations GET /a');
});
