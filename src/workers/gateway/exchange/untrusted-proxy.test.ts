import { expect, test } from 'vitest';
import { UntrustedProxy } from './untrusted-proxy.ts';

const PROXY = '10.0.0.9';

/** What is told of 2,000 requests. */
function told(request: (i: number) => readonly [string, string | undefined]): string[] {
  const all: string[] = [];
  const watch = new UntrustedProxy((address) => all.push(address));
  for (let i = 0; i < 2_000; i++) watch.saw(...request(i));
  return [...new Set(all)];
}

test('most requests come from one address for many clients: it is a proxy', () => {
  expect(told((i) => [PROXY, `198.51.100.${i % 50}`])).toEqual([PROXY]);
  expect(told((i) => (i % 4 === 0 ? [`192.0.2.${i % 200}`, undefined] : [PROXY, `198.51.100.${i % 50}`]))).toEqual([
    PROXY,
  ]);
});

test.each([
  ['clients that claim nothing', (i: number) => [`192.0.2.${i % 9}`, undefined] as const],
  ['one client that always claims the same', () => [PROXY, '127.0.0.1'] as const],
  [
    'few requests among many',
    (i: number) => (i % 4 === 0 ? ([PROXY, `c${i}`] as const) : ([`c${i}`, undefined] as const)),
  ],
  ['everybody claims something', (i: number) => [`192.0.2.${i % 9}`, `198.51.100.${i % 50}`] as const],
])('%s: no proxy', (_, request) => expect(told(request)).toEqual([]));
