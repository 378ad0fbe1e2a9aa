import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Deadlines } from './deadlines.ts';
import type { Waiting } from './deadlines.ts';

class Wait implements Waiting {
  deadlineList: Waiting['deadlineList'] = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;
  fired = 0;
  onFired: (() => void) | undefined;
  onDeadline(): void {
    this.fired++;
    this.onFired?.();
  }
}

describe('deadlines', () => {
  test('fires once, not before its time', () => {
    const deadlines = new Deadlines(1000);
    const wait = new Wait();
    deadlines.arm(wait, 500);
    deadlines.tick(1499);
    expect(wait.fired).toBe(0);
    deadlines.tick(1500);
    deadlines.tick(9000);
    expect(wait.fired).toBe(1);
    expect(deadlines.size).toBe(0);
  });

  test('an arm from inside onDeadline waits its whole time again', () => {
    const deadlines = new Deadlines(0);
    const wait = new Wait();
    wait.onFired = () => deadlines.arm(wait, 100);
    deadlines.arm(wait, 100);
    deadlines.tick(100);
    deadlines.tick(150);
    expect(wait.fired).toBe(1);
    deadlines.tick(200);
    expect(wait.fired).toBe(2);
  });

  test('time in which the thread stood still is nobody’s fault', () => {
    const deadlines = new Deadlines(0, 50);
    const wait = new Wait();
    deadlines.arm(wait, 5_000);
    deadlines.tick(50);
    deadlines.tick(3_600_050);
    expect([wait.fired, deadlines.nowMs]).toEqual([0, 3_600_050]);
    // 500 ms of the hour count; what is left is waited for in full.
    for (let ms = 50; ms < 4_500; ms += 50) deadlines.tick(3_600_050 + ms);
    expect(wait.fired).toBe(0);
    deadlines.tick(3_600_050 + 4_500);
    expect(wait.fired).toBe(1);
  });

  test('0 never fires', () => {
    const deadlines = new Deadlines(0);
    const wait = new Wait();
    deadlines.arm(wait, 0);
    deadlines.tick(1e12);
    expect(wait.fired).toBe(0);
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant('arm' as const), who: fc.nat(5), durationMs: fc.constantFrom(0, 10, 25, 100) }),
    fc.record({ kind: fc.constant('disarm' as const), who: fc.nat(5) }),
    fc.record({ kind: fc.constant('tick' as const), byMs: fc.nat(60) }),
  );

  test.prop([fc.array(step, { maxLength: 200 })])('does what a plain table of due times does', (steps) => {
    let nowMs = 0;
    const deadlines = new Deadlines(nowMs);
    const waits = Array.from({ length: 6 }, () => new Wait());
    const due: (number | undefined)[] = waits.map(() => undefined);
    const fired = waits.map(() => 0);
    for (const each of steps) {
      if (each.kind === 'arm') {
        deadlines.arm(waits[each.who] as Wait, each.durationMs);
        due[each.who] = each.durationMs === 0 ? undefined : nowMs + each.durationMs;
      } else if (each.kind === 'disarm') {
        deadlines.disarm(waits[each.who] as Wait);
        due[each.who] = undefined;
      } else {
        nowMs += each.byMs;
        deadlines.tick(nowMs);
        for (const [who, dueMs] of due.entries()) {
          if (dueMs !== undefined && dueMs <= nowMs) {
            fired[who] = (fired[who] ?? 0) + 1;
            due[who] = undefined;
          }
        }
      }
      expect(waits.map((wait) => wait.fired)).toEqual(fired);
      expect(deadlines.size).toBe(due.filter((dueMs) => dueMs !== undefined).length);
    }
  });
});
