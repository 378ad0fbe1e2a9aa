import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { expectedStatuses, httpMethod, intervalMs, overrideSeconds, timeoutMs, tokens } from './arguments.ts';

test.each([
  ['90', 90],
  ['30s', 30],
  ['5m', 300],
  ['1.5m', 90],
  ['1h', 3_600],
  ['1d', 86_400],
  ['2000ms', 2],
])('%s is %i seconds', (text, seconds) => expect(overrideSeconds(text)).toBe(seconds));

test.each(['', '0', '5 m', '-5m', '5x', '1e3', 'm', '25h', '1.5s', '500ms', '9'.repeat(30)])(
  '%j is no time an override may last',
  (text) => expect(() => overrideSeconds(text)).toThrow(InvalidArgumentError),
);

test('intervals and waits have bounds of their own', () => {
  expect([intervalMs('200ms'), intervalMs('2'), timeoutMs('1ms'), timeoutMs('10m')]).toEqual([200, 2_000, 1, 600_000]);
  expect(() => intervalMs('100ms')).toThrow('from 200ms to 1h');
  expect(() => timeoutMs('11m')).toThrow('from 1ms to 10m');
});

test('statuses, methods and tokens', () => {
  expect(expectedStatuses('200, 204,3XX')).toEqual(['200', '204', '3xx']);
  expect(() => expectedStatuses('200-299')).toThrow(InvalidArgumentError);
  expect(httpMethod('head')).toBe('HEAD');
  expect(() => httpMethod('GET /')).toThrow(InvalidArgumentError);
  expect([tokens('0'), tokens('2.5')]).toEqual([0, 2.5]);
  expect(() => tokens('-1')).toThrow(InvalidArgumentError);
});
