import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupStore, PutOptions } from './backup-store.ts';
import type { Manifest } from './manifest.ts';
import { manifestName } from './names.ts';

/**
 * Stores the manifest of a backup whose files are stored: from then on it is listed.
 * @throws {NameTaken} with `onlyNew`, where there is one
 */
export async function writeManifest(
  store: BackupStore,
  manifest: Manifest,
  { tempDir, onlyNew = false, signal }: Omit<PutOptions, 'onBytes'> & { readonly tempDir: string },
): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const name = manifestName(manifest.id);
  const path = join(tempDir, name);
  await writeFile(path, text, { mode: 0o600 });
  const sha256 = createHash('sha256').update(text).digest('hex');
  await store.put(name, { path, bytes: text.length, sha256 }, { onlyNew, signal });
  await rm(path);
}
