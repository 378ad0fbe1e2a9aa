import { expect, test } from 'vitest';
import { AccessLog } from './access-log.ts';

function setUp(config: ConstructorParameters<typeof AccessLog>[0]) {
  const skipped: number[] = [];
  const log = new AccessLog(config, { write: () => {}, dropped: () => {}, skipped: (count) => skipped.push(count) });
  const wanted = (count: number): number => Array.from({ length: count }, () => log.wants(true)).filter(Boolean).length;
  return { log, skipped, wanted };
}

test('a burst of failures is sampled and counted once it is over', () => {
  const { log, skipped, wanted } = setUp({ kind: 'sampled', oneIn: 100 });
  expect(wanted(500)).toBe(50);
  log.flush();
  expect(wanted(80)).toBe(50);
  log.flush();
  expect(skipped).toEqual([]);
  expect(wanted(20)).toBe(20);
  log.flush();
  expect(skipped).toEqual([450 + 30]);
  log.flush();
  expect(skipped).toHaveLength(1);
});

test('a burst that goes on is told of', () => {
  const { log, skipped, wanted } = setUp({ kind: 'sampled', oneIn: 100 });
  for (let tick = 0; tick < 100; tick++) {
    wanted(51);
    log.flush();
  }
  expect(skipped).toEqual([100]);
});

test('who wants every line gets every line', () => {
  const { wanted } = setUp({ kind: 'on' });
  expect(wanted(500)).toBe(500);
});
