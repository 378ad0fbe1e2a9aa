import { expect, test } from 'vitest';
import { QuietWatch } from './quiet-watch.ts';

test('quiet is two seconds without an answer, a connection or an exchange in flight, from the beginning on', () => {
  const thread = { inFlight: 0, activity: 7 };
  const watch = new QuietWatch(thread, 1_000);
  const quiet = (nowMs: number): boolean => watch.isQuiet(nowMs);
  expect([quiet(1_050), quiet(2_950), quiet(3_000)]).toEqual([false, false, true]);
  thread.activity++; // something came and was over between two looks
  expect([quiet(3_050), quiet(5_000), quiet(5_050)]).toEqual([false, false, true]);
  thread.inFlight = 1;
  expect([quiet(9_000), quiet(20_000)]).toEqual([false, false]);
  thread.inFlight = 0;
  thread.activity++;
  expect([quiet(20_050), quiet(22_000), quiet(22_050)]).toEqual([false, false, true]);
});
