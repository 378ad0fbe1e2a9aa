import { showValue } from '../../shared/config/problems.ts';
import type { Problem } from '../../shared/config/problems.ts';
import { isStill } from './files-now.ts';
import type { FilesNow } from './files-now.ts';
import { FileRecorder } from './files-read.ts';
import type { FilesRead } from './files-read.ts';
import { loadConfig } from './load-config.ts';
import type { LoadResult } from './load-config.ts';

const NOTHING: FilesRead = { files: new Map(), folders: new Map(), empty: new Set() };

/** Whoever writes a file anew empties it first, and what is empty would be a configuration without routes. */
const emptied = (path: string): Problem => ({
  key: 'CONFIG_WATCH',
  value: showValue(path),
  expected: 'a file that is not empty',
  hint: 'it was not when it was read last; a reload by hand takes it as it is',
});

/** Loads the configuration, and knows what from. */
export class ConfigSource {
  #attempted = NOTHING;
  #inUse = NOTHING;

  /** What the last attempt has read, whatever came of it. */
  get attempted(): FilesRead {
    return this.#attempted;
  }

  /** Reads and checks the environment and every file it names. */
  load(): LoadResult {
    const files = new FileRecorder();
    const result = this.#attempt(files);
    if (result.ok) this.#inUse = files.read;
    return result;
  }

  /**
   * The same, as the watch does it.
   * @param now what the files were when it saw them
   * @returns `undefined`: they are others by now, and are not looked at any further
   */
  loadIf(now: FilesNow): LoadResult | undefined {
    const files = new FileRecorder();
    const before = this.#attempted;
    const result = this.#attempt(files);
    if (!isStill(files.read, { files: shared(now.files, files.read.files), folders: now.folders })) {
      this.#attempted = before;
      return undefined;
    }
    if (!result.ok) return result;
    const gone = [...files.read.empty].filter((path) => !this.#inUse.empty.has(path));
    if (gone.length > 0) return { ok: false, problems: gone.map(emptied) };
    this.#inUse = files.read;
    return result;
  }

  #attempt(files: FileRecorder): LoadResult {
    try {
      return loadConfig(files);
    } finally {
      this.#attempted = files.read;
    }
  }
}

/** Of what was seen what was read: another configuration may name other files. */
const shared = (seen: ReadonlyMap<string, string>, read: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...seen].filter(([path]) => read.has(path)));
