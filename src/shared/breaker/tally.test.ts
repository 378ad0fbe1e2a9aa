import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import {
  afterReport,
  freshTally,
  isOfGeneration,
  MAX_COUNT,
  PENDING,
  pooledCount,
  succeededIn,
  unsentOf,
  withBase,
  withFailure,
  withSuccess,
} from './tally.ts';

const change = fc.oneof(
  fc.constant({ do: 'failure' as const }),
  fc.constant({ do: 'success' as const }),
  fc.constant({ do: 'report' as const }),
  fc.record({ do: fc.constant('base' as const), base: fc.nat(MAX_COUNT) }),
);

test.prop([fc.nat(0xff_ffff), fc.nat(MAX_COUNT), fc.array(change, { maxLength: 200 })])(
  'is three plain numbers in one',
  (generation, start, changes) => {
    let tally = freshTally(generation, start);
    const plain = { base: start, unsent: 0, success: false };
    for (const it of changes) {
      switch (it.do) {
        case 'failure':
          tally = withFailure(tally);
          plain.unsent += 1;
          break;
        case 'success':
          tally = withSuccess(tally);
          if (plain.base + plain.unsent > 0 || plain.success)
            Object.assign(plain, { base: 0, unsent: 0, success: true });
          break;
        case 'report':
          expect({ unsent: unsentOf(tally), success: succeededIn(tally) }).toEqual({
            unsent: plain.unsent,
            success: plain.success,
          });
          tally = afterReport(tally);
          Object.assign(plain, {
            base: Math.min(4095, (plain.success ? 0 : plain.base) + plain.unsent),
            unsent: 0,
            success: false,
          });
          break;
        case 'base':
          tally = withBase(tally, it.base);
          plain.base = it.base;
          break;
      }
      expect(isOfGeneration(tally, generation)).toBe(true);
      expect(isOfGeneration(tally, generation + 1)).toBe(false);
      expect(pooledCount(tally)).toBe((plain.success ? 0 : plain.base) + plain.unsent);
      expect((tally & PENDING) === 0).toBe(plain.base === 0 && plain.unsent === 0 && !plain.success);
    }
  },
);

test('counts stop at their largest instead of running into the next field', () => {
  let tally = freshTally(1, 1_000_000);
  for (let i = 0; i < 10_000; i++) tally = withFailure(tally);
  expect(unsentOf(tally)).toBe(4_095);
  expect(isOfGeneration(afterReport(tally), 1)).toBe(true);
});
