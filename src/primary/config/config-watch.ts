import { setTimeout as rest } from 'node:timers/promises';
import { FileLooker, isStill } from './files-now.ts';
import type { FilesNow } from './files-now.ts';
import type { FilesRead } from './files-read.ts';

/** So long what has changed must stay as it is: editors and copies write in steps. */
const SETTLE_MS = 500;

export interface ConfigWatchOptions {
  readonly everyMs: number;
  /** What the last attempt to load it has read, also one that was refused. */
  readonly read: () => FilesRead;
  /** The files are others and have been for a while: load them, if they are still these. Never rejects. */
  readonly reload: (now: FilesNow) => Promise<unknown>;
}

/**
 * Looks at every file that the configuration was read from, and reloads once one holds something else. It asks for their
 * state (stat) rather than for events: of a file that is swapped by a symbolic link, as a ConfigMap is, inotify tells the
 * first time only, of one that is bind-mounted or on NFS never.
 */
export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #looker = new FileLooker();
  readonly #ended = new AbortController();

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    while (await this.#rest(this.#options.everyMs)) await this.#look();
  }

  /** @returns `false`: it is closed */
  async #rest(ms: number): Promise<boolean> {
    try {
      await rest(ms, undefined, { ref: false, signal: this.#ended.signal });
      return true;
    } catch {
      return false;
    }
  }

  async #look(): Promise<void> {
    const { read, reload } = this.#options;
    let found = await this.#looker.look(read());
    while (!isStill(read(), found)) {
      if (!(await this.#rest(SETTLE_MS))) return;
      const before = found;
      found = await this.#looker.look(read());
      if (isStill(before, found) && isStill(found, before)) {
        if (!isStill(read(), found)) await reload(found);
        return;
      }
    }
  }
}
