import { expect, test } from 'vitest';
import { parseClusterEvent } from './events.ts';

test('events of the channel are told apart, and what is none of them is let be', () => {
  const ours = JSON.stringify({ type: 'limit-client', client: 'a', reset: true });
  expect(parseClusterEvent(ours)).toEqual({ type: 'limit-client', client: 'a', reset: true });
  expect(parseClusterEvent('{"type":"limit-overrides","later":1}')).toEqual({ type: 'limit-overrides' });
  expect(parseClusterEvent('{"type":"target-drains"}')).toEqual({ type: 'target-drains' });
  expect(parseClusterEvent('{"type":"splits"}')).toEqual({ type: 'splits' });
  expect(parseClusterEvent('{"type":"health","from":"a"}')).toEqual({ type: 'health', from: 'a' });
  expect(parseClusterEvent('{"type":"maintenance"}')).toEqual({ type: 'maintenance' });
  for (const other of ['{"type":"circuit-breaker"}', '{"type":"limit-client","client":1}', 'nonsense', 'null']) {
    expect(parseClusterEvent(other)).toBeUndefined();
  }
});
