import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { SharedRow } from '../../src/primary/breaker/shared-row.ts';
import { createBreakerMemory, FIELD, kindOf, rowOf } from '../../src/shared/breaker/memory.ts';
import { DEFAULT_RULE } from '../../src/shared/breaker/rule.ts';
import { passesNarrow } from '../../src/workers/gateway/breaker/others.ts';

const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const ROUNDS = 2_000;
const CULPRIT = '0000000700000009';
const OTHER = { low: 5, high: 5, text: '0000000500000005' };
const PLACE = 1;

test('an opening that one client has proved lets others pass, whoever of a thread and the front came first', async () => {
  const memory = createBreakerMemory(1);
  const words = new Int32Array(memory);
  const row = new SharedRow(memory, PLACE);
  row.configure({ name: 'api', mode: 'on', rule: { ...DEFAULT_RULE, failureThreshold: 2 }, window: undefined });
  row.reset();
  const shown = { failures: 0, retryAtMs: 2_000, nowMs: 1_000, askLimit: 0, othersLimit: 0, calm: 0, held: false };
  const worker = new Worker(new URL('opening-thread.mjs', import.meta.url), {
    workerData: { memory, place: PLACE, dist: pathToFileURL(`${DIST}/`).href },
  });
  try {
    const at = rowOf(PLACE) + FIELD.WORD;
    let shut = 0;
    for (let round = 0; round < ROUNDS; round++) {
      while (!row.show({ ...shown, kind: 'CLOSED', narrow: '' }, { same: false, overrule: true }));
      while ((Atomics.load(words, rowOf(PLACE) + FIELD.TALLY) & 0xff) === 0 && !row.openedByThread()); // it has begun
      for (let spin = round % 50; spin > 0; spin--) Atomics.load(words, at);
      // As the front does when the authority has opened: whoever of the two is first, the state is narrow.
      const same = row.openedByThread();
      row.show({ ...shown, kind: 'OPEN', narrow: CULPRIT }, { same, overrule: true });
      for (let look = 0; look < 20; look++) {
        const word = Atomics.load(words, at);
        if (kindOf(word) === 'OPEN' && !passesNarrow(words, rowOf(PLACE), OTHER)) shut++;
      }
    }
    expect(shut).toBe(0);
  } finally {
    await worker.terminate();
  }
});
