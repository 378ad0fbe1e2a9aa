import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isAbandoned, takeTag } from './leftovers.ts';

const HOUR_MS = 3_600_000;

test('what is temporary is left alone while somebody may be at work on it', () => {
  const { tag, letGo } = takeTag();
  const [host = '', pid = '', chance = ''] = tag.split('-');
  const dead = spawnSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))']).stdout.toString();
  expect(pid).toBe(String(process.pid));
  expect(isAbandoned(`.a.${tag}.partial`, 48 * HOUR_MS)).toBe(false);
  letGo();
  expect(isAbandoned(`.a.${tag}.partial`, 0)).toBe(true);
  expect(isAbandoned(`.a.${host}-${process.ppid}-${chance}.partial`, 0)).toBe(false);
  expect(isAbandoned(`.a.${host}-${dead}-${chance}.partial`, 0)).toBe(true);
  expect(isAbandoned(`.a.00000000-${dead}-${chance}.partial`, HOUR_MS)).toBe(false);
  expect(isAbandoned(`.a.00000000-${dead}-${chance}.partial`, 25 * HOUR_MS)).toBe(true);
  expect(isAbandoned('.something-else.partial', 48 * HOUR_MS)).toBe(false);
});
