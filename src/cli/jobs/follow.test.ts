import { expect, test } from 'vitest';
import type { JobRunAnswer } from '../../shared/admin/jobs.ts';
import { progressText } from './follow.ts';

const MIB = 1024 ** 2;

const run = (doneBytes: number | null, totalBytes: number | null): JobRunAnswer['progress'] => ({
  step: 'store',
  doneBytes,
  totalBytes,
});

test.each([
  [run(null, null), { fromBytes: 0, seconds: 5 }, 'store'],
  [run(1024, null), { fromBytes: 0, seconds: 0 }, 'store: 1.0 KiB'],
  [run(3 * MIB, null), { fromBytes: MIB, seconds: 2 }, 'store: 3.0 MiB, 1.0 MiB/s'],
  [run(MIB, 4 * MIB), { fromBytes: 0, seconds: 1 }, 'store: 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3s left'],
  [run(5 * MIB, 4 * MIB), { fromBytes: 0, seconds: 5 }, 'store: 5.0 MiB of 4.0 MiB, 1.0 MiB/s, 0s left'],
])('%j since %j is %j', (progress, began, text) => {
  expect(progressText(progress, began)).toBe(text);
});
