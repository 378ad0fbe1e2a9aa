import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../../shared/parse-json.ts';

const texts = z.array(z.string());

/** Versions of the configuration as this node keeps them on its disk, each as its text. */
export class VersionFile {
  readonly path: string;
  #writing: Promise<unknown> = Promise.resolve();

  /** @param path its folder is made where it is missing */
  constructor(path: string) {
    this.path = path;
  }

  /** Nothing where there is no file, or a damaged one. @throws Node's error when it cannot be read */
  read(): readonly string[] {
    try {
      return parseJson(texts, readFileSync(this.path, 'utf8')) ?? [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * All there is, in place of what was there. Under a name of its own first, and one after the other: nobody reads half of it.
   * @throws Node's error when the disk does not take it
   */
  write(all: readonly string[]): Promise<void> {
    const mine = this.#writing.then(() => this.#replace(all));
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #replace(all: readonly string[]): Promise<void> {
    const draft = `${this.path}.${process.pid}.new`;
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(all)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, this.path);
  }
}
