import { expect, test } from 'vitest';
import { SharedVerdicts } from '../../src/primary/health/shared-verdicts.ts';
import type { Verdict } from '../../src/shared/health/memory.ts';
import { watchHealth } from '../../src/workers/gateway/upstream/upstream-health.ts';
import type { ProbedTarget } from '../../src/workers/gateway/upstream/upstream-health.ts';

const KEEP_MS = 1_000;
const DAY_MS = 86_400_000;

/** What the front writes, and a thread whose clock is behind that of the process. */
function setUp(names: readonly string[], aheadMs = 5_000) {
  const clock = { ms: 0 };
  const front = new SharedVerdicts(() => clock.ms + aheadMs);
  front.assign(['api', ...names.map((name) => `api ${name}`)]);
  const { memory, places } = front.forThread();
  const targets: ProbedTarget[] = names.map((name) => ({ name, healthRow: 0 }));
  const watch = { words: new Int32Array(memory), aheadMs };
  const health = watchHealth(watch, places, { upstream: 'api', targets });
  if (health === undefined) throw new Error('it is probed');
  return {
    clock,
    front,
    say: (...verdicts: readonly Verdict[]): void => {
      for (const [i, verdict] of verdicts.entries()) front.set(`api ${names[i] ?? ''}`, verdict, KEEP_MS);
      front.setDown('api', verdicts.filter((verdict) => verdict !== 'up').length);
    },
    succeeded: (i: number) => health.succeeded(targets[i]?.healthRow ?? 0, clock.ms),
    left: () =>
      health.hasDown && targets.some(({ healthRow }) => health.isOut(healthRow, clock.ms))
        ? targets.filter(({ healthRow }) => !health.isOut(healthRow, clock.ms)).map(({ name }) => name)
        : 'all of them',
  };
}

test('its own word takes a target out, whatever requests find', () => {
  const { say, succeeded, left } = setUp(['a', 'b', 'c']);
  expect(left()).toBe('all of them');
  succeeded(1);
  say('up', 'wrong', 'up');
  expect(left()).toEqual(['a', 'c']);
  say('up', 'up', 'up');
  expect(left()).toBe('all of them');
});

test('silence takes it out where no request has gone well within the interval', () => {
  const { clock, front, say, succeeded, left } = setUp(['a', 'b', 'c']);
  say('up', 'silent', 'up');
  expect(left()).toEqual(['a', 'c']);
  expect(front.succeededAgoMs('api b')).toBe(undefined);
  succeeded(1);
  expect(left()).toBe('all of them');
  clock.ms += KEEP_MS - 1;
  expect([left(), front.succeededAgoMs('api b')]).toEqual(['all of them', KEEP_MS - 1]);
  clock.ms += 1;
  expect(left()).toEqual(['a', 'c']);
  clock.ms += 30 * DAY_MS; // the clock in the memory has come round
  expect(left()).toEqual(['a', 'c']);
});

test('rows are given out anew, and what lay in them is gone', () => {
  const { front, say, succeeded } = setUp(['a', 'b']);
  say('wrong', 'silent');
  succeeded(1);
  front.assign(['api', 'api b', 'api new']);
  expect(front.succeededAgoMs('api b')).toBe(0);
  expect(front.succeededAgoMs('api new')).toBe(undefined);
  expect(front.places().get('api a')).toBe(undefined);
  const small = new SharedVerdicts(() => 0, 1);
  small.assign(['api', 'api a']);
  expect([...small.places().keys()]).toEqual(['api']);
});
