import { dirname, join } from 'node:path';
import { processEnv } from '../../shared/config/environment.ts';
import { showValue } from '../../shared/config/problems.ts';
import type { Problem } from '../../shared/config/problems.ts';
import { isStill } from './files-now.ts';
import type { FilesNow } from './files-now.ts';
import { FileRecorder } from './files-read.ts';
import type { Document, FilesRead } from './files-read.ts';
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

/** A YAML file of a version. */
export interface NamedFile {
  readonly name: string;
  readonly text: string;
}

/** Loads the configuration, and knows what from. */
export class ConfigSource {
  /** In place of the files of GATEWAY_CONFIG. */
  #documents: readonly Document[] | undefined;
  #attempted = NOTHING;
  #inUse = NOTHING;

  /** What the last attempt has read, whatever came of it. */
  get attempted(): FilesRead {
    return this.#attempted;
  }

  /** From now on the YAML is that of a version; files that it names are looked for where those of GATEWAY_CONFIG are. */
  use(files: readonly NamedFile[]): void {
    this.#documents = placed(files);
  }

  /** What would come of these files; it changes nothing. */
  try(files: readonly NamedFile[]): LoadResult {
    const documents = placed(files);
    return loadFrom(new FileRecorder(documents), documents);
  }

  /** Reads and checks the environment and every file it names. */
  load(): LoadResult {
    const { result, read } = this.#attempt();
    if (result.ok) this.#inUse = read;
    return result;
  }

  /**
   * The same, as the watch does it.
   * @param now what the files were when it saw them
   * @returns `undefined`: they are others by now, and are not looked at any further
   */
  loadIf(now: FilesNow): LoadResult | undefined {
    const before = this.#attempted;
    const { result, read } = this.#attempt();
    if (!isStill(read, { files: shared(now.files, read.files), folders: now.folders })) {
      this.#attempted = before;
      return undefined;
    }
    if (!result.ok) return result;
    const gone = [...read.empty].filter((path) => !this.#inUse.empty.has(path));
    if (gone.length > 0) return { ok: false, problems: gone.map(emptied) };
    this.#inUse = read;
    return result;
  }

  #attempt(): { readonly result: LoadResult; readonly read: FilesRead } {
    const files = new FileRecorder(this.#documents);
    try {
      return { result: loadFrom(files, this.#documents), read: files.read };
    } finally {
      this.#attempted = files.read;
    }
  }
}

const loadFrom = (files: FileRecorder, documents: readonly Document[] | undefined): LoadResult =>
  loadConfig(files, documents === undefined ? {} : { GATEWAY_CONFIG: documents.map(({ path }) => path).join(',') });

/** Where the files of GATEWAY_CONFIG lie. */
function folderOfFiles(): string {
  const first = processEnv()['GATEWAY_CONFIG']?.split(',')[0]?.trim() ?? '';
  if (first === '') return '';
  return new FileRecorder().entriesOf(first) === undefined ? dirname(first) : first;
}

function placed(files: readonly NamedFile[]): readonly Document[] {
  const folder = folderOfFiles();
  return files.map(({ name, text }) => ({ path: join(folder, name), text }));
}

/** Of what was seen what was read: another configuration may name other files. */
const shared = (seen: ReadonlyMap<string, string>, read: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...seen].filter(([path]) => read.has(path)));
