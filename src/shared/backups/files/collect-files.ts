import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { holdsSecret } from './secret-content.ts';

export interface Collected {
  /** Absolute, in the order of their names: folders, files and links. */
  readonly paths: readonly string[];
  /** Absolute. */
  readonly leftOut: readonly string[];
}

/**
 * All that lies under some paths. Links are kept as links; sockets and devices are nothing to keep.
 *
 * @param secrets absolute paths of files that are known to hold some; `undefined`: secrets are kept too
 * @throws {Error} that names the paths that are not there, or the file that cannot be read
 */
export async function collectFiles(
  roots: readonly string[],
  { secrets, signal }: { readonly secrets: readonly string[] | undefined; readonly signal: AbortSignal },
): Promise<Collected> {
  const missing: string[] = [];
  for (const root of roots) if ((await lstat(root).catch(() => undefined)) === undefined) missing.push(root);
  if (missing.length > 0) throw new Error(`BACKUP_FILES names what is not there: ${missing.join(', ')}`);
  const paths = new Set<string>();
  const leftOut = new Set<string>();
  const known = secrets === undefined ? undefined : await withRealPaths(secrets);
  const visit = async (path: string): Promise<void> => {
    signal.throwIfAborted();
    const found = await lstat(path);
    if (found.isDirectory()) {
      paths.add(path);
      for (const name of (await readdir(path)).toSorted()) await visit(join(path, name));
    } else if (found.isSymbolicLink()) {
      paths.add(path);
    } else if (found.isFile()) {
      const secret = known !== undefined && (await holdsSecret(path, known));
      (secret ? leftOut : paths).add(path);
    }
  };
  for (const root of roots) await visit(root);
  return { paths: [...paths], leftOut: [...leftOut] };
}

async function withRealPaths(paths: readonly string[]): Promise<readonly string[]> {
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  return [...paths, ...real];
}
