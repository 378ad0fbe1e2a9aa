import type { ReadFile } from './text-file.ts';

/** A reader of files that exist only in a test; any other path fails as node:fs does. */
export const memoryFiles =
  (files: Readonly<Record<string, string>>): ReadFile =>
  (path) => {
    const text = files[path];
    if (text !== undefined) return text;
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  };
