import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MaintenanceFile } from './maintenance-file.ts';

const record = { rank: 3, on: true, text: 'soon', allow: ['10.0.0.0/8'], by: 'a person' };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-maintenance-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('what was written is read with what is left of its time, and what has ended is not', async () => {
  let nowMs = 1_000_000;
  const file = new MaintenanceFile(join(folder, 'sub', 'maintenance-1'), () => nowMs);
  expect(await file.read()).toEqual([]);
  await Promise.all([
    file.write([{ route: '*', record, remainingMs: 1 }]),
    file.write([
      { route: 'a', record, remainingMs: 60_000 },
      { route: 'b', record, remainingMs: 5_000 },
    ]),
  ]);
  nowMs += 10_000;
  expect(await file.read()).toEqual([{ route: 'a', record, remainingMs: 50_000 }]);
  await file.write([]);
  expect(await readdir(join(folder, 'sub'))).toEqual([]);
});

test('a clock that was set back lengthens nothing beyond the most there is', async () => {
  let nowMs = 1e12;
  const file = new MaintenanceFile(join(folder, 'maintenance-1'), () => nowMs);
  await file.write([{ route: 'a', record, remainingMs: 60_000 }]);
  nowMs = 5e11;
  expect(await file.read()).toEqual([{ route: 'a', record, remainingMs: 7 * 86_400_000 }]);
});

test.each(['', '{', '[{"route":"a"}]', '[{"route":"a","until":1e15,"record":{"rank":0}}]'])(
  'a file that is damaged says nothing: %s',
  async (text) => {
    const path = join(folder, 'maintenance-1');
    await writeFile(path, text);
    expect(await new MaintenanceFile(path, () => 0).read()).toEqual([]);
  },
);
