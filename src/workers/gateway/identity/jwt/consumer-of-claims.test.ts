import { expect, test } from 'vitest';
import { claimOf, identityOfClaims } from './consumer-of-claims.ts';
import { MAIN } from './test-verifier.ts';

const PROFILES = new Set(['iot']);
const of = (claims: Record<string, unknown>, issuer = {}) => identityOfClaims(claims, { ...MAIN, ...issuer }, PROFILES);

test.each([
  ['sub', { sub: 'auth0|5f7c8e' }, 'main~auth0|5f7c8e'],
  ['sub', { sub: '10.0.0.1' }, 'main~10.0.0.1'],
  ['sub', { sub: 'main~acme' }, 'main~main~acme'],
  ['tenant', { sub: 'x', tenant: 42 }, 'main~42'],
  ['https://idp/tenant.id', { 'https://idp/tenant.id': 'a' }, 'main~a'],
  ['user.id', { user: { id: 'b' } }, 'main~b'],
  ['__proto__', {}, undefined],
  ['constructor.name', {}, undefined],
  ['tenant', { tenant: 1.5 }, undefined],
  ['tenant', { tenant: ['a'] }, undefined],
  ['tenant', { tenant: true }, undefined],
])('by the claim %s of %j the consumer is %s', (consumerClaim, claims, consumer) =>
  expect(of(claims, { consumerClaim })?.consumer).toBe(consumer),
);

test.each([
  [{ groups: ['a', 'b c', 7, null, ''] }, ['a', 'b c']],
  [{ groups: 'a  b ' }, ['a', 'b']],
  [{ groups: { a: 1 } }, []],
  [{}, []],
])('groups of %j', (claims, groups) => expect(of({ sub: 'x', ...claims })?.groups).toEqual(groups));

test.each([
  [{ scope: 'read write' }, ['read', 'write']],
  [{ scp: ['read', 'write'] }, ['read', 'write']],
  [{ scp: 'read' }, ['read']],
  [{ scope: 'read', scp: 'admin' }, ['read']],
  [{ scope: 7 }, []],
])('scopes of %j', (claims, scopes) => expect(of({ sub: 'x', ...claims })?.scopes).toEqual(scopes));

test('a claim whose name has dots goes before one in an object', () =>
  expect(claimOf({ 'a.b': 1, a: { b: 2 } }, 'a.b')).toBe(1));
