import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../parse-json.ts';
import type { BackupStore, StoredFile } from './backup-store.ts';
import { MANIFEST } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { idOfMember, isManifestName, manifestName, readBackupId } from './names.ts';

/** A backup that is whole: its manifest can be read, and every file that it names is there in its size. */
export interface ListedBackup {
  readonly manifest: Manifest;
  readonly slotMs: number;
  /** Of its files together. */
  readonly bytes: number;
}

/** What lies in a store. */
export interface Catalog {
  /** The newest first. */
  readonly backups: readonly ListedBackup[];
  /** With a manifest, and yet no backup. */
  readonly broken: readonly { readonly id: string; readonly problem: string }[];
  /** Names of files that have the form of ours, and that no backup names: what an interrupted run has left. */
  readonly unlisted: readonly string[];
}

/**
 * Reads all manifests of a store.
 * @param tempDir where they are put in between
 */
export async function readCatalog(
  store: BackupStore,
  { tempDir, signal }: { readonly tempDir: string; readonly signal: AbortSignal },
): Promise<Catalog> {
  const files = await store.list('', signal);
  const sizes = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const backups: ListedBackup[] = [];
  const broken: { id: string; problem: string }[] = [];
  for (const { name } of files.filter((file) => isManifestName(file.name))) {
    const id = idOfMember(name) ?? '';
    const manifest = await readManifest(store, id, { tempDir, signal });
    const problem = manifest === undefined ? 'its manifest cannot be read' : problemOf(manifest, sizes);
    if (manifest === undefined || problem !== undefined) broken.push({ id, problem: problem ?? '' });
    else backups.push({ manifest, slotMs: readBackupId(id)?.slotMs ?? 0, bytes: bytesOf(manifest) });
  }
  return {
    backups: backups.toSorted((a, b) => b.slotMs - a.slotMs || (a.manifest.id < b.manifest.id ? -1 : 1)),
    broken,
    unlisted: unlistedOf(files, backups, broken),
  };
}

/** @returns `undefined` where there is none, or where it is not one of this id */
export async function readManifest(
  store: BackupStore,
  id: string,
  { tempDir, signal }: { readonly tempDir: string; readonly signal: AbortSignal },
): Promise<Manifest | undefined> {
  await mkdir(tempDir, { recursive: true });
  const path = join(tempDir, manifestName(id));
  await rm(path, { force: true });
  try {
    await store.get(manifestName(id), path, { signal });
    const manifest = parseJson(MANIFEST, await readFile(path, 'utf8'));
    return manifest?.id === id ? manifest : undefined;
  } catch (error) {
    signal.throwIfAborted();
    // It went away, or is a list of somebody else's by now; a store that is not there has failed at its list.
    if (error instanceof Error) return undefined;
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

/** @returns the backup of this id, if it is whole */
export async function readWholeManifest(
  store: BackupStore,
  id: string,
  { tempDir, signal }: { readonly tempDir: string; readonly signal: AbortSignal },
): Promise<Manifest | undefined> {
  const files = await store.list(`${id}.`, signal);
  if (!files.some(({ name }) => name === manifestName(id))) return undefined;
  const manifest = await readManifest(store, id, { tempDir, signal });
  const sizes = new Map(files.map(({ name, bytes }) => [name, bytes]));
  return manifest !== undefined && problemOf(manifest, sizes) === undefined ? manifest : undefined;
}

function problemOf(manifest: Manifest, sizes: ReadonlyMap<string, number>): string | undefined {
  for (const { name, bytes } of manifest.files) {
    const found = sizes.get(name);
    if (found === undefined) return `${name} is missing`;
    if (found !== bytes) return `${name} has ${found} bytes instead of ${bytes}`;
  }
  return undefined;
}

const bytesOf = ({ files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

function unlistedOf(
  files: readonly StoredFile[],
  backups: readonly ListedBackup[],
  broken: Catalog['broken'],
): readonly string[] {
  const listed = new Set(
    backups.flatMap(({ manifest }) => [manifestName(manifest.id), ...manifest.files.map(({ name }) => name)]),
  );
  const brokenIds = new Set(broken.map(({ id }) => id));
  return files
    .map(({ name }) => name)
    .filter((name) => {
      const id = idOfMember(name);
      return id !== undefined && !listed.has(name) && !brokenIds.has(id);
    });
}
