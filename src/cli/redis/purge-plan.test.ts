import { expect, test } from 'vitest';
import { isOurs, kindOf, scanPattern } from './purge-plan.ts';

test.each([
  ['api-gateway:', true],
  ['api-gateway:rate-limit:10.', true],
  ['{api-gateway}:jobs', true],
  ['api-gateway', false],
  ['', false],
  ['*', false],
  ['session:', false],
  ['[a]pi-gateway:', false],
])('the keys under %j are ours: %j', (prefix, ours) => expect(isOurs(prefix)).toBe(ours));

test('a prefix is taken as it is, whatever it has in it', () => {
  expect(scanPattern('api-gateway:rate-limit:a*[b]?\\')).toBe('api-gateway:rate-limit:a\\*\\[b\\]\\?\\\\*');
});

test.each([
  ['api-gateway:rate-limit:10.0.0.1:burst', 'rate-limit'],
  ['api-gateway:circuit-breaker', 'circuit-breaker'],
  ['{api-gateway}:backup:meta', 'backup'],
])('%s is of kind %s', (key, kind) => expect(kindOf(key)).toBe(kind));
