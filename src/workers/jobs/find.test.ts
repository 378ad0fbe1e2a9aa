import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findMissing } from './find.ts';

const WINDOW = 1024 * 1024;

test('what lies across two windows is found, and what is not there is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-find-'));
  const path = join(folder, 'a');
  const content = randomBytes(2 * WINDOW + 500);
  await writeFile(path, content);
  try {
    await using file = await open(path);
    const at = (from: number, bytes = 40): Buffer => content.subarray(from, from + bytes);
    const edges = [0, WINDOW - 39, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 20, content.length - 40].map((from) => [
      [at(from)],
    ]);
    const other = randomBytes(40);
    expect(await findMissing(file, edges, 1)).toEqual([]);
    expect(
      await findMissing(file, [[[other]], [[other], [at(5)]], [[at(5), other]], [[at(5), at(WINDOW - 3, 10)]]], 1),
    ).toEqual([0, 2]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
