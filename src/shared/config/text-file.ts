import { dirname, isAbsolute, join } from 'node:path';

/** Reads a file as UTF-8; throws when it cannot. */
export type ReadFile = (path: string) => string;

export type FileText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its links go in a circle',
};

/** Reads a file that may not be there; `why` is for people. */
export function tryReadFile(readFile: ReadFile, path: string): FileText {
  try {
    return { ok: true, text: readFile(path) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'reading it failed';
    return { ok: false, why: WHY[code] ?? code };
  }
}

/** A path that a file names: absolute, or relative to the folder of that file. */
export const resolveBeside = (file: string, path: string): string =>
  isAbsolute(path) ? path : join(dirname(file), path);
