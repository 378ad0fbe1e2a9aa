import type { FileHandle } from 'node:fs/promises';
import type { FindTask } from '../../shared/backups/tasks.ts';
import { paced } from './pace.ts';

const WINDOW_BYTES = 1024 * 1024;

async function* windows(file: FileHandle, overlapBytes: number): AsyncGenerator<Buffer> {
  const stepBytes = WINDOW_BYTES;
  for (let at = 0; ; at += stepBytes) {
    const buffer = Buffer.allocUnsafe(stepBytes + overlapBytes);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > 0) yield buffer.subarray(0, filled);
    if (filled < buffer.length) return;
  }
}

/** The positions of those that are not in the file. @param share of a core */
export async function findMissing(
  file: FileHandle,
  sought: FindTask['sought'],
  share: number,
): Promise<readonly number[]> {
  // What comes from another thread is no Buffer any more.
  const open = new Map(
    sought.map((ways, i) => [i, ways.map((way) => new Set(way.map((bytes) => Buffer.from(bytes))))]),
  );
  const longest = Math.max(0, ...sought.flat(2).map(({ length }) => length));
  for await (const window of paced(windows(file, longest), share)) {
    for (const [i, ways] of open) {
      for (const way of ways) for (const bytes of way) if (window.includes(bytes)) way.delete(bytes);
      if (ways.some(({ size }) => size === 0)) open.delete(i);
    }
    if (open.size === 0) break;
  }
  return [...open.keys()];
}
