import { expect, test } from 'vitest';
import { parseBreakerEvent } from '../../shared/breaker/events.ts';
import { parseLimitEvent } from './limit-events.ts';

test('each side takes its own events and lets the other’s be', () => {
  const ours = JSON.stringify({ type: 'limit-client', client: 'a', reset: true });
  expect(parseLimitEvent(ours)).toEqual({ type: 'limit-client', client: 'a', reset: true });
  expect(parseBreakerEvent(ours)).toBeUndefined();
  expect(parseLimitEvent('{"type":"limit-overrides","later":1}')).toEqual({ type: 'limit-overrides' });
  for (const other of ['{"type":"circuit-breaker"}', '{"type":"limit-client","client":1}', 'nonsense', 'null']) {
    expect(parseLimitEvent(other)).toBeUndefined();
  }
});
