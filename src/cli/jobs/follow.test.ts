import { expect, test } from 'vitest';
import type { JobRunAnswer } from '../../shared/admin/jobs.ts';
import { progressText } from './follow.ts';

const run = (doneBytes: number | null, totalBytes: number | null): JobRunAnswer['progress'] => ({
  step: 'store',
  doneBytes,
  totalBytes,
});

test.each([
  [run(null, null), 0, 5, 'store'],
  [run(1024, null), 0, 0, 'store: 1.0 KiB'],
  [run(3 * 1024 ** 2, null), 1024 ** 2, 2, 'store: 3.0 MiB, 1.0 MiB/s'],
  [run(1024 ** 2, 4 * 1024 ** 2), 0, 1, 'store: 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3s left'],
  [run(5 * 1024 ** 2, 4 * 1024 ** 2), 0, 5, 'store: 5.0 MiB of 4.0 MiB, 1.0 MiB/s, 0s left'],
])('%j from %i in %i s is %j', (progress, fromBytes, seconds, text) => {
  expect(progressText(progress, { fromBytes, seconds })).toBe(text);
});
