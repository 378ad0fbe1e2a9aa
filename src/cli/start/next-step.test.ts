import { describe, expect, test } from 'vitest';
import { HEALTHY_MS, nextStep } from './next-step.ts';
import type { FrontExit, FrontHistory } from './next-step.ts';

const code = (value: number): FrontExit => ({ kind: 'code', code: value });
const segv: FrontExit = { kind: 'signal', signal: 'SIGSEGV' };
const history = (changes: Partial<FrontHistory> = {}): FrontHistory => ({
  stopping: false,
  uptimeMs: 100,
  served: false,
  restarts: 0,
  failuresInRow: 0,
  ...changes,
});

describe('after a front has ended', () => {
  test.each([0, 64, 78])('code %i ends the supervisor with it, whatever was before', (value) => {
    expect(nextStep(code(value), history())).toEqual({ kind: 'exit', code: value });
    expect(nextStep(code(value), history({ restarts: 3, failuresInRow: 3, uptimeMs: HEALTHY_MS }))).toEqual({
      kind: 'exit',
      code: value,
    });
  });

  test('a port in use ends the first start, and is retried after a crash or once it has served', () => {
    expect(nextStep(code(69), history())).toEqual({ kind: 'exit', code: 69 });
    expect(nextStep(code(69), history({ restarts: 1, failuresInRow: 1 }))).toMatchObject({ kind: 'restart' });
    expect(nextStep(code(69), history({ served: true }))).toMatchObject({ kind: 'restart', delayMs: 0 });
  });

  test.each([segv, code(1), code(70), code(134)])('%j is followed by another front at once', (exit) => {
    expect(nextStep(exit, history())).toEqual({ kind: 'restart', delayMs: 0, failuresInRow: 1 });
  });

  test('fronts that keep dying are started more and more rarely, up to every 10 s', () => {
    const delays: number[] = [];
    let failuresInRow = 0;
    for (let restarts = 0; restarts < 9; restarts++) {
      const step = nextStep(segv, history({ restarts, failuresInRow }));
      if (step.kind === 'exit') throw new Error('gave up');
      delays.push(step.delayMs);
      failuresInRow = step.failuresInRow;
    }
    expect(delays).toEqual([0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test('30 s of service forget the failures before', () => {
    const before = { restarts: 7, failuresInRow: 7 };
    expect(nextStep(segv, history({ ...before, uptimeMs: HEALTHY_MS - 1 }))).toMatchObject({ delayMs: 10_000 });
    expect(nextStep(segv, history({ ...before, uptimeMs: HEALTHY_MS }))).toEqual({
      kind: 'restart',
      delayMs: 0,
      failuresInRow: 1,
    });
  });

  test('nothing is started again once a stop was asked for', () => {
    expect(nextStep(code(0), history({ stopping: true }))).toEqual({ kind: 'exit', code: 0 });
    expect(nextStep(code(1), history({ stopping: true }))).toEqual({ kind: 'exit', code: 1 });
    expect(nextStep(segv, history({ stopping: true }))).toEqual({ kind: 'exit', code: 139 });
    expect(nextStep({ kind: 'signal', signal: 'SIGKILL' }, history({ stopping: true }))).toMatchObject({ code: 137 });
    const asked = { kind: 'signal', signal: 'SIGTERM' } as const; // before it listened to it
    expect(nextStep(asked, history({ stopping: true }))).toEqual({ kind: 'exit', code: 0 });
    expect(nextStep(asked, history())).toMatchObject({ kind: 'restart' });
  });
});
