import { expect, test } from 'vitest';
import { configOf } from '../../shared/config/test-reading.ts';
import type { Config } from '../../shared/config/types.ts';
import { cellOf } from '../../shared/overload/concurrency-memory.ts';
import { ConcurrencyControl } from './concurrency-control.ts';

/** Upstreams with so many places; 0 = no limit. */
function limits(of: Readonly<Record<string, number>>): Config {
  const names = Object.keys(of);
  const upstreams = names.map((name) => `  ${name}: { url: "http://a", concurrency: { max: ${of[name]} } }`);
  const routes = names.map((name) => `  - { path: /${name}, upstream: ${name} }`);
  const yaml = `upstreams:\n${upstreams.join('\n')}\nroutes:\n${routes.join('\n')}\n`;
  return configOf({ GATEWAY_CONFIG: 'g.yaml', WORKERS: '1' }, { 'g.yaml': yaml });
}

test('an upstream keeps its row as long as it has a limit, and no two have the same', () => {
  const control = new ConcurrencyControl(2, limits({ a: 1, b: 0, c: 3 }));
  expect([...control.rows()]).toEqual([
    ['a', 1],
    ['c', 2],
  ]);
  control.configure(limits({ b: 4, c: 5, d: 6 }));
  expect([...control.rows()].toSorted(([, a], [, b]) => a - b)).toEqual([
    ['b', 1],
    ['c', 2],
    ['d', 3],
  ]);
});

test('what a thread had under way is gone with it, and what others have is not', () => {
  const control = new ConcurrencyControl(3, limits({ a: 10, b: 10 }));
  const { memory, rows } = control.forThread();
  const words = new Int32Array(memory.buffer);
  const add = (name: string, slot: number, count: number): void => {
    words[cellOf(memory, rows.get(name) ?? 0, slot)] = count;
  };
  add('a', 0, 2);
  add('a', 2, 3);
  add('b', 2, 4);
  words[cellOf(memory, rows.get('b') ?? 0, 2) + 1] = 6; // of high priority
  words[cellOf(memory, rows.get('b') ?? 0, 1) + 3] = 1; // of low
  const seen = (): unknown => control.views().map(({ upstream, inFlight, waiting }) => [upstream, inFlight, waiting]);
  expect(seen()).toEqual([
    ['a', 5, 0],
    ['b', 4, 7],
  ]);
  control.threadGone(2);
  expect(seen()).toEqual([
    ['a', 2, 0],
    ['b', 0, 1],
  ]);
});

test('upstreams beyond the rows have no limit', () => {
  const control = new ConcurrencyControl(1, limits({ a: 1, b: 1, c: 1 }), 3);
  expect(control.views().map(({ upstream }) => upstream)).toEqual(['a', 'b']);
});
