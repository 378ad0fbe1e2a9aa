import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json that this file, or what it was compiled to, lies under. */
export const PROJECT_ROOT = findRoot(fileURLToPath(new URL('.', import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
  return findRoot(dirname(folder));
}
