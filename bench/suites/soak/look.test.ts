import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { heapOf, openFiles, sumOf } from './look.ts';

const TEXT = `# HELP gateway_thread_heap_used_bytes V8 heap in use.
# TYPE gateway_thread_heap_used_bytes gauge
gateway_thread_heap_used_bytes{thread="front"} 12345678
gateway_thread_heap_used_bytes{thread="request-0"} 2.5e7
gateway_thread_restarts_total{reason="died"} 1
gateway_thread_restarts_total{reason="hung"} 2
gateway_config_version 4
`;

describe('metrics', () => {
  it('has the heap of each thread', () => {
    expect(heapOf(TEXT)).toEqual({ front: 12_345_678, 'request-0': 25_000_000 });
  });

  it.each([
    ['gateway_thread_restarts_total', 3],
    ['gateway_config_version', 4],
    ['gateway_config', 0],
  ])('sums %s', (name, sum) => {
    expect(sumOf(TEXT, name)).toBe(sum);
  });
});

it('sees descriptors come and go', () => {
  const before = openFiles(process.pid).all;
  const file = openSync('/dev/null', 'r');
  expect(openFiles(process.pid).all).toBe(before + 1);
  closeSync(file);
  expect(openFiles(process.pid).all).toBe(before);
});
