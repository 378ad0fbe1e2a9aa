import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createProcessClock, toWrapped, untilWrapped } from './process-clock.ts';

test('threads agree although each one starts its own clock', async () => {
  const clock = createProcessClock();
  // What the module has around the function is there in a worker under another name: imports, and one constant.
  const source = createProcessClock
    .toString()
    .replaceAll('SAMPLES', '9')
    .replaceAll(/__vite_ssr_import_\d+__\./g, '');
  const code = `const { parentPort } = require('node:worker_threads');
    const createProcessClock = ${source};
    parentPort.postMessage(createProcessClock()());`;
  const before = clock();
  const [there] = (await once(new Worker(code, { eval: true }), 'message')) as [number];
  expect(there).toBeGreaterThan(before - 0.5);
  expect(there).toBeLessThan(clock() + 0.5);
});

test('differences hold over the wrap of an Int32', () => {
  for (const nowMs of [0, 2 ** 31 - 10, 2 ** 32 - 10, 2 ** 40]) {
    expect(untilWrapped(toWrapped(nowMs + 25), nowMs)).toBe(25);
    expect(untilWrapped(toWrapped(nowMs), nowMs + 25)).toBe(-25);
  }
});
