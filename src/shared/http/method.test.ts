import { METHODS } from 'node:http';
import { expect, test } from 'vitest';
import { classifyMethod, isIdempotent } from './method.ts';

test.each(METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE'))('forwards %s', (method) => {
  expect(classifyMethod(method)).toBe('forward');
});

test.each(['CONNECT', 'TRACE'])('refuses %s', (method) => {
  expect(classifyMethod(method)).toBe('refused');
});

test.each(['X_CUSTOM', 'get', 'Get', 'connect', "!#$%&'*+-.^_`|~09azAZ"])('forwards any token: %s', (method) => {
  expect(classifyMethod(method)).toBe('forward');
});

test.each(['', 'GET ', 'G\tT', 'GÉT', 'A/B', 'A(', 'PRI', 'A'.repeat(33)])('invalid: %j', (method) => {
  expect(classifyMethod(method)).toBe('invalid');
});

test('the longest method is 32 characters', () => {
  expect(classifyMethod('A'.repeat(32))).toBe('forward');
});

test('only methods whose repetition answers the same are idempotent here', () => {
  expect(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'].every(isIdempotent)).toBe(true);
  expect(['POST', 'PATCH', 'MOVE', 'LOCK', 'X', ''].some(isIdempotent)).toBe(false);
});
