import { join, resolve } from 'node:path';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { Machine } from '../server/machine.ts';
import { tryReadFile } from '../text-file.ts';
import type { ReadFile } from '../text-file.ts';

/** A YAML file of the configuration, as it was read. */
export interface ConfigFile {
  /** Its name as it was given, or in a folder that was. */
  readonly file: string;
  readonly text: string;
}

/** Where files are read from. */
export interface FileSystem extends Pick<Machine, 'factsOf' | 'entriesOf'> {
  readonly readFile: ReadFile;
}

export type ConfigFiles =
  | { readonly ok: true; readonly files: readonly ConfigFile[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Of one file. */
export const MOST_BYTES = 4 * 1024 * 1024;
const YAML_NAME = /^[^.].*\.ya?ml$/;

const bad = (value: string, expected: string, hint?: string): Problem => ({
  key: 'GATEWAY_CONFIG',
  value: showValue(value),
  expected,
  ...(hint === undefined ? {} : { hint }),
});

/** What a name stands for: itself, or the YAML files of a folder in the order of their names. */
function filesOf(name: string, { entriesOf }: FileSystem): readonly string[] | Problem {
  const entries = entriesOf(name);
  if (entries === undefined) return [name];
  const files = entries.filter((entry) => YAML_NAME.test(entry)).toSorted();
  return files.length > 0 ? files.map((entry) => join(name, entry)) : bad(name, 'a folder with *.yaml files in it');
}

function readOne(file: string, { factsOf, readFile }: FileSystem): ConfigFile | Problem {
  const tooLarge = (bytes: number): Problem =>
    bad(file, 'a file of at most 4 MiB', `it has ${bytes} bytes; several files may share what is in it`);
  // Before it is read: whoever names a disk by mistake would have it in memory.
  const facts = factsOf(file);
  if (facts !== undefined && facts.bytes > MOST_BYTES) return tooLarge(facts.bytes);
  const read = tryReadFile(readFile, file);
  if (!read.ok) return bad(file, 'a readable file', read.why);
  const bytes = Buffer.byteLength(read.text);
  return bytes > MOST_BYTES ? tooLarge(bytes) : { file, text: read.text };
}

/**
 * Reads the files that GATEWAY_CONFIG names; all that cannot be read are problems.
 * @param names files, and folders for their `*.yaml` and `*.yml`; one that is named twice is read once
 */
export function readConfigFiles(names: readonly string[], from: FileSystem): ConfigFiles {
  const files = new Map<string, ConfigFile>();
  const problems: Problem[] = [];
  for (const name of names) {
    const found = filesOf(name, from);
    if ('key' in found) problems.push(found);
    else {
      for (const file of found.filter((each) => !files.has(resolve(each)))) {
        const read = readOne(file, from);
        if ('key' in read) problems.push(read);
        else files.set(resolve(file), read);
      }
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, files: [...files.values()] };
}
