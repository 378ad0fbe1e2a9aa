import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { wallClockMs } from '../clock.ts';
import { isAbandoned, takeTag } from './leftovers.ts';

const PREFIX = 'gateway-backup-';

/** A folder that only this user reads, for snapshots in the clear; it goes with what is in it. */
export interface WorkDir extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes one, and takes away those that processes which were killed have left.
 * @throws {Error} when none can be made
 */
export async function openWorkDir(tempDir: string): Promise<WorkDir> {
  await mkdir(tempDir, { recursive: true });
  await removeAbandoned(tempDir);
  const { tag, letGo } = takeTag();
  const path = join(tempDir, PREFIX + tag);
  await mkdir(path, { mode: 0o700 });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true });
      letGo();
    },
  };
}

async function removeAbandoned(tempDir: string): Promise<void> {
  for (const name of await readdir(tempDir)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(tempDir, name);
    // It may be gone in between, or another user's: both are no reason not to make a backup.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || !isAbandoned(name, wallClockMs() - found.mtimeMs)) continue;
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}
