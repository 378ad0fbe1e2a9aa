import { expect, test } from 'vitest';
import type { IdentitiesConfig } from '../../../shared/config/identity/types.ts';
import type { Identity } from '../../../shared/identity/identity.ts';
import { Callers } from './callers.ts';

const identity = (consumer: string, more: Partial<Identity> = {}): Identity => ({
  consumer,
  profile: '',
  groups: [],
  scopes: [],
  method: 'jwt',
  expiresAtMs: Number.POSITIVE_INFINITY,
  keyHash: '',
  ...more,
});

const callers = new Callers({
  consumers: [
    { name: 'acme', profile: 'partner', groups: ['b2b'], disabled: false, keys: [], certificates: [] },
    { name: 'plain', profile: '', groups: [], disabled: true, keys: [], certificates: [] },
  ],
  profiles: [{ name: 'partner', rules: [], maxInFlight: 7 }],
} as unknown as IdentitiesConfig);

test('what the configuration says of a consumer goes before what its credential says', () => {
  const acme = callers.of(identity('acme', { profile: 'iot', groups: ['a', 'b2b'] }));
  expect(acme).toMatchObject({ profile: 'partner', groups: ['a', 'b2b'], maxInFlight: 7, disabled: false });
  expect(callers.of(identity('plain', { profile: 'iot' }))).toMatchObject({ profile: 'iot', disabled: true });
  expect(callers.of(identity('other', { profile: 'iot' }))).toMatchObject({ profile: 'iot', maxInFlight: 0 });
});

test('is the same for the same identity', () => {
  const one = identity('acme');
  expect(callers.of(one)).toBe(callers.of(one));
});

test.each([
  ['acme', 'acme'],
  ['auth0|123/x', 'auth0|123/x'],
  ['a\r\nx-admin: 1', 'a%0D%0Ax-admin:%201'],
  ['ü,%', '%C3%BC%2C%25'],
  ['\u{1F600}\ud800', '%F0%9F%98%80%EF%BF%BD'],
])('%j stands in a field as %j', (consumer, text) => {
  expect(callers.of(identity(consumer)).fields).toMatch(/^[\x21-\x7e ]+\r\n/);
  const other = new Callers({ consumers: [], profiles: [] } as unknown as IdentitiesConfig);
  expect(other.of(identity(consumer, { groups: [consumer] })).fields).toBe(
    `x-consumer-id: ${text}\r\nx-consumer-groups: ${text}\r\n`,
  );
});
