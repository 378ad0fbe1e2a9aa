import { expect, test } from 'vitest';
import type { ProbeCause } from '../../shared/health/messages.ts';
import { judge } from './verdict.ts';
import type { TargetVerdict } from './verdict.ts';

const RULE = { healthy: 2, unhealthy: 3 };

/** Verdicts after each finding, a second apart. */
function history(...causes: readonly ProbeCause[]): readonly (string | undefined)[] {
  let now: TargetVerdict | undefined;
  return causes.map((cause, i) => {
    now = judge(now, { cause, why: cause }, { rule: RULE, nowMs: i * 1_000 });
    return now && `${now.verdict} ${now.inARow} since ${now.sinceMs / 1_000}`;
  });
}

test('so many failures in a row take it out, so many good answers bring it back', () => {
  expect(history('ok', 'status', 'status', 'ok', 'status', 'status', 'status', 'ok', 'status', 'ok', 'ok')).toEqual([
    'up 1 since 0',
    'up 1 since 0',
    'up 2 since 0',
    'up 1 since 0',
    'up 1 since 0',
    'up 2 since 0',
    'wrong 3 since 6',
    'wrong 1 since 6',
    'wrong 1 since 6',
    'wrong 1 since 6',
    'up 2 since 10',
  ]);
});

test('silence is told from its own word, which stays said', () => {
  expect(history('timeout', 'connect', 'tls')).toEqual(['up 1 since 0', 'up 2 since 0', 'silent 3 since 2']);
  expect(history('timeout', 'connect', 'status', 'timeout')).toEqual([
    'up 1 since 0',
    'up 2 since 0',
    'wrong 3 since 2',
    'wrong 4 since 2',
  ]);
  expect(history('timeout', 'timeout', 'timeout', 'status').at(-1)).toBe('wrong 4 since 2');
});

test('what this machine has too little of says nothing of a target', () => {
  expect(history('own_shortage', 'timeout', 'own_shortage', 'timeout', 'timeout')).toEqual([
    undefined,
    'up 1 since 1',
    'up 1 since 1',
    'up 2 since 1',
    'silent 3 since 4',
  ]);
});
