import { chown, copyFile, mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncToDisk } from '../sync-to-disk.ts';
import { whoUses } from './dir-in-use.ts';

/** What is at work in a folder of Redis, by the names its configuration gives. */
export interface DataDir {
  /** Absolute, without links. */
  readonly path: string;
  /** Names in it that Redis would load. */
  readonly old: readonly string[];
  readonly rdbName: string;
  readonly aofDirName: string;
  readonly aofName: string;
}

const DEFAULTS = { rdbName: 'dump.rdb', aofDirName: 'appendonlydir', aofName: 'appendonly.aof' } as const;
/** Since then the append-only file is a folder. */
const AOF_DIR_SINCE_MAJOR = 7;

/**
 * Looks at a data directory of Redis. Names other than the defaults are learnt from what is there.
 * @throws {Error} when it is none, or a server uses it
 */
export async function lookAtDataDir(given: string): Promise<DataDir> {
  const path = await realpath(given).catch(() => undefined);
  if (path === undefined || !(await stat(path)).isDirectory()) {
    throw new Error(`${given} is no folder; --dir is the data directory of a Redis, made beforehand`);
  }
  const user = await whoUses(path);
  if (user !== undefined) throw new Error(`${path} is in use: ${user}. Stop that Redis first.`);
  const entries = await readdir(path, { withFileTypes: true });
  const rdbs = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.rdb')).map(({ name }) => name);
  const aofs = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.aof')).map(({ name }) => name);
  const folders: { readonly name: string; readonly aof: string }[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('before-restore-')) continue;
    const manifest = (await readdir(join(path, entry.name))).find((name) => name.endsWith('.aof.manifest'));
    if (manifest !== undefined) folders.push({ name: entry.name, aof: manifest.slice(0, -'.manifest'.length) });
  }
  const [rdb, aof, folder] = [rdbs, aofs, folders].map((found) => (found.length === 1 ? found[0] : undefined));
  return {
    path,
    old: [...rdbs, ...aofs, ...folders.map(({ name }) => name)].sort(),
    rdbName: typeof rdb === 'string' ? rdb : DEFAULTS.rdbName,
    aofDirName: typeof folder === 'object' ? folder.name : DEFAULTS.aofDirName,
    aofName: typeof folder === 'object' ? folder.aof : typeof aof === 'string' ? aof : DEFAULTS.aofName,
  };
}

export interface PutBack {
  /** Where the old data is kept; `undefined`: there was none. */
  readonly kept: string | undefined;
  /** Names that were made. */
  readonly made: readonly string[];
}

/**
 * Puts a snapshot where Redis loads it at its next start, whether it keeps an append-only file or not: with one it ignores
 * dump.rdb, and without its own manifest it would start empty. Old data is moved aside first, never removed.
 * @param snapshot proved before
 * @param stamp names the folder that keeps the old data
 * @throws {Error} with everything as it was, where it can be
 */
export async function putIntoDataDir(
  dir: DataDir,
  snapshot: string,
  { redisVersion, stamp }: { readonly redisVersion: string | null; readonly stamp: string },
): Promise<PutBack> {
  const fresh = join(dir.path, `.restore-${stamp}`);
  const kept = join(dir.path, `before-restore-${stamp}`);
  const made = await prepare(dir, snapshot, { fresh, redisVersion }).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  });
  const user = await whoUses(dir.path); // what was copied took its time
  if (user !== undefined) {
    await rm(fresh, { recursive: true, force: true });
    throw new Error(`${dir.path} is in use: ${user}. Nothing was changed.`);
  }
  const moved: (readonly [from: string, to: string])[] = [];
  try {
    if (dir.old.length > 0) await mkdir(kept);
    for (const name of dir.old) await move(join(dir.path, name), join(kept, name));
    for (const name of made) await move(join(fresh, name), join(dir.path, name));
    await giveToOwner(dir.path, kept, dir.old.length > 0);
    await syncToDisk(dir.path);
  } catch (error) {
    for (const [from, to] of moved.toReversed()) await rename(to, from);
    throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return { kept: dir.old.length > 0 ? kept : undefined, made };

  async function move(from: string, to: string): Promise<void> {
    await rename(from, to);
    moved.push([from, to]);
  }
}

async function giveToOwner(parent: string, path: string, exists: boolean): Promise<void> {
  if (!exists) return;
  const { uid, gid } = await stat(parent);
  await chown(path, uid, gid).catch(ignoreNotRoot);
}

/** All that is new, in a folder beside, so that its names come at once. @returns the names */
async function prepare(
  { path, rdbName, aofDirName, aofName }: DataDir,
  snapshot: string,
  { fresh, redisVersion }: { readonly fresh: string; readonly redisVersion: string | null },
): Promise<readonly string[]> {
  const owner = await stat(path);
  const add = async (name: string, fill: (path: string) => Promise<void>): Promise<void> => {
    const file = join(fresh, name);
    await fill(file);
    await chown(file, owner.uid, owner.gid).catch(ignoreNotRoot);
    await syncToDisk(file);
  };
  const copy = (to: string): Promise<void> => copyFile(snapshot, to);
  await mkdir(fresh, { mode: 0o700 });
  await add(rdbName, copy);
  if (Number(redisVersion?.split('.')[0] ?? AOF_DIR_SINCE_MAJOR) < AOF_DIR_SINCE_MAJOR) {
    await add(aofName, copy); // before 7.0 it is one file, which may begin with a snapshot
    return [rdbName, aofName];
  }
  const [base, incr] = [`${aofName}.1.base.rdb`, `${aofName}.1.incr.aof`];
  const manifest = `file ${base} seq 1 type b\nfile ${incr} seq 1 type i\n`;
  await add(aofDirName, (to) => mkdir(to, { mode: 0o755 }));
  await add(join(aofDirName, base), copy);
  await add(join(aofDirName, incr), (to) => writeFile(to, ''));
  await add(join(aofDirName, `${aofName}.manifest`), (to) => writeFile(to, manifest));
  return [rdbName, aofDirName];
}

/** Who is not root owns what he makes; then Redis is to run as he, or may read it by its group. */
function ignoreNotRoot(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
}
