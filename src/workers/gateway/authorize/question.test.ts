import { describe, expect, test } from 'vitest';
import { keyOf, questionFields, uriOf } from './question.ts';
import type { QuestionedRequest } from './question.ts';

const told = {
  client: 'Authorization: Bearer a\r\nCookie: c\r\n',
  forwarded: 'x-forwarded-for: 1.2.3.4\r\n',
  via: '1.1 api-gateway',
};
const request: QuestionedRequest = {
  told,
  method: 'GET',
  host: 'h.test',
  path: '/api/x',
  forwardTarget: '/x?q=1?',
  address: '1.2.3.4',
  requestId: 'r1',
  encoding: 'latin1',
  caller: undefined,
};
const caller = { fields: 'x-consumer-id: acme\r\n' };

test('it asks for the path before the route changed it, with the query that goes on', () => {
  expect(uriOf(request)).toBe('/api/x?q=1?');
  expect(uriOf({ ...request, forwardTarget: '/x' })).toBe('/api/x');
});

test('all lines that are told', () => {
  expect(questionFields({ ...request, caller })).toBe(
    `${told.client}${told.forwarded}x-forwarded-method: GET\r\nx-forwarded-uri: /api/x?q=1?\r\n` +
      'x-consumer-id: acme\r\nx-request-id: r1\r\nvia: 1.1 api-gateway\r\n',
  );
});

const others: readonly (readonly [string, Partial<QuestionedRequest>])[] = [
  ['method', { method: 'HEAD' }],
  ['host', { host: 'i.test' }],
  ['path', { path: '/api/y' }],
  ['query', { forwardTarget: '/x?q=2' }],
  ['what proxies say', { told: { ...told, forwarded: 'x-forwarded-for: 1.2.3.5\r\n' } }],
  ['a credential', { told: { ...told, client: 'Authorization: Bearer b\r\nCookie: c\r\n' } }],
  ['consumer', { caller }],
];

describe('what an answer holds for', () => {
  const all = { route: 'a', cacheBy: undefined };

  test.each(others)('another %s is another question', (_what, other) => {
    expect(keyOf({ ...request, ...other }, all)).not.toBe(keyOf(request, all));
  });

  test('another route is another question, another request id is not, and no credential is in it', () => {
    expect(keyOf(request, { ...all, route: 'b' })).not.toBe(keyOf(request, all));
    expect(keyOf({ ...request, requestId: 'r2' }, all)).toBe(keyOf(request, all));
    expect(keyOf(request, all)).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  test('nobody in particular is nothing that it could hold for', () => {
    const nobody = { ...request, told: { ...told, client: '' } };
    expect(keyOf(nobody, all)).toBe('');
    expect(keyOf({ ...nobody, caller }, all)).not.toBe('');
  });

  test('narrowed, only what is named counts', () => {
    const by = { route: 'a', cacheBy: { fields: ['authorization'], parts: ['method', 'path'] as const } };
    const differ = others.filter(([, other]) => keyOf({ ...request, ...other }, by) !== keyOf(request, by));
    expect(differ.map(([what]) => what)).toEqual(['method', 'path', 'a credential']);
    const cookie = { ...request, told: { ...told, client: 'Authorization: Bearer a\r\nCookie: d\r\n' } };
    expect(keyOf(cookie, by)).toBe(keyOf(request, by));
    expect(keyOf({ ...request, told: { ...told, client: 'Cookie: c\r\n' } }, by)).toBe('');
  });

  test('narrowed to who he is, who has not said it is nobody', () => {
    const by = { route: 'a', cacheBy: { fields: [], parts: ['consumer', 'uri', 'host'] as const } };
    expect(keyOf(request, by)).toBe('');
    const named = { ...request, caller };
    expect(keyOf(named, by)).not.toBe('');
    expect(keyOf({ ...named, forwardTarget: '/x' }, by)).not.toBe(keyOf(named, by));
    const address = { route: 'a', cacheBy: { fields: [], parts: ['address'] as const } };
    expect(keyOf({ ...request, address: '::1' }, address)).not.toBe(keyOf(request, address));
  });
});
