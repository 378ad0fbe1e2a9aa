import type { BigIntStats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { wallClockMs } from '../../shared/clock.ts';
import { MOST_BYTES } from '../../shared/config/files/config-files.ts';
import { contentsOf, contentsOfFolder, TOO_LARGE, whyUnreadable } from './files-read.ts';
import type { Contents, FilesRead } from './files-read.ts';

/** What is there now of what was read; what cannot be read a second time, as a pipe, is left out. */
export type FilesNow = Pick<FilesRead, 'files' | 'folders'>;

/** Times of files are as coarse as this: whatever was written within it may look the same. */
const COARSE_MS = 2_000;

interface Seen {
  /** Where it lies, how long it is and when it was written. */
  readonly mark: string;
  readonly contents: Contents;
}

const markOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs, ctimeNs].join();

/** Looks at files, and reads only those that are not what they were when it looked last. */
export class FileLooker {
  readonly #seen = new Map<string, Seen>();

  /** One after another: a file system that hangs holds up one thread of the pool, not all. Never rejects. */
  async look(read: FilesRead): Promise<FilesNow> {
    const files = new Map<string, Contents>();
    for (const path of read.files.keys()) {
      const contents = await this.#contentsOf(path);
      if (contents !== undefined) files.set(path, contents);
    }
    const folders = new Map<string, Contents>();
    for (const path of read.folders.keys()) folders.set(path, await contentsOfFolderNow(path));
    for (const path of this.#seen.keys()) if (!read.files.has(path)) this.#seen.delete(path);
    return { files, folders };
  }

  async #contentsOf(path: string): Promise<Contents | undefined> {
    try {
      const facts = await stat(path, { bigint: true });
      if (facts.isDirectory()) return 'EISDIR';
      if (!facts.isFile()) return undefined;
      const mark = markOf(facts);
      const seen = this.#seen.get(path);
      if (seen?.mark === mark) return seen.contents;
      if (facts.size > MOST_BYTES) return TOO_LARGE;
      const contents = contentsOf(await readFile(path));
      // A file that was written just now can be written again without looking different.
      if (wallClockMs() - Number(facts.ctimeNs / 1_000_000n) > COARSE_MS) this.#seen.set(path, { mark, contents });
      else this.#seen.delete(path);
      return contents;
    } catch (error) {
      this.#seen.delete(path);
      return whyUnreadable(error);
    }
  }
}

async function contentsOfFolderNow(path: string): Promise<Contents> {
  try {
    return contentsOfFolder(await readdir(path));
  } catch (error) {
    return whyUnreadable(error);
  }
}

const sameIn = (now: ReadonlyMap<string, Contents>, read: ReadonlyMap<string, Contents>): boolean =>
  [...now].every(([path, contents]) => read.get(path) === contents);

/** Whether what was read is what is there. */
export const isStill = (read: FilesNow, now: FilesNow): boolean =>
  sameIn(now.files, read.files) && sameIn(now.folders, read.folders);
