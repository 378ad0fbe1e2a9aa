import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { wallClockMs } from '../clock.ts';
import { NameTaken } from './backup-store.ts';
import type { BackupStore, LocalFile, PutOptions, StoredFile, TransferOptions } from './backup-store.ts';
import { isAbandoned, takeTag } from './leftovers.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** So much at a time: small, since the front's loop reads and writes it. */
const CHUNK_BYTES = 256 * 1024;
const PARTIAL_END = '.partial';
const NOT_LINKED: ReadonlySet<string> = new Set(['EEXIST', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Backups in a folder. A file comes under a name of its own that no list shows, is brought to the disk, and only then gets
 * its name; so a crash at any point leaves nothing that looks like a file of a backup.
 */
export class DirectoryStore implements BackupStore {
  readonly where: string;
  readonly keepsFirst = true;

  /** @param path absolute; made where it is missing */
  constructor(path: string) {
    this.where = path;
  }

  async put(name: string, file: LocalFile, { signal, onBytes, onlyNew = false }: PutOptions): Promise<void> {
    const target = this.#path(name);
    await mkdir(this.where, { recursive: true, mode: 0o700 });
    await this.#removeAbandoned();
    const { tag, letGo } = takeTag();
    const partial = join(this.where, `.${name}.${tag}${PARTIAL_END}`);
    let isOurs = false;
    try {
      const copied = await copy(file.path, partial, { signal, ...(onBytes === undefined ? {} : { onBytes }) });
      if (copied.sha256 !== file.sha256) throw new Error(`${file.path} changed while it was stored`);
      signal.throwIfAborted();
      if (onlyNew) isOurs = await giveName(partial, target);
      else await rename(partial, target);
      await syncToDisk(this.where);
    } catch (error) {
      for (const path of isOurs ? [partial, target] : [partial]) await rm(path, { force: true }).catch(() => {});
      throw error;
    } finally {
      letGo();
    }
  }

  async get(name: string, toPath: string, options: TransferOptions): Promise<Omit<LocalFile, 'path'>> {
    return copy(this.#path(name), toPath, options);
  }

  async list(prefix: string, signal: AbortSignal): Promise<readonly StoredFile[]> {
    const files: StoredFile[] = [];
    for (const name of await this.#names()) {
      signal.throwIfAborted();
      if (!SAFE_NAME.test(name) || !name.startsWith(prefix)) continue;
      const found = await stat(join(this.where, name)).catch(() => undefined);
      if (found?.isFile() === true) files.push({ name, bytes: found.size });
    }
    return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await rm(this.#path(name), { force: true });
    await syncToDisk(this.where).catch(() => {});
  }

  /** Whether files can be stored. @returns why not; '' = they can */
  async refuses(): Promise<string> {
    try {
      await mkdir(this.where, { recursive: true, mode: 0o700 });
      await access(this.where, constants.W_OK | constants.X_OK);
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #path(name: string): string {
    if (!SAFE_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a stored file`);
    return join(this.where, name);
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.where);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async #removeAbandoned(): Promise<void> {
    for (const name of await this.#names()) {
      if (!name.startsWith('.') || !name.endsWith(PARTIAL_END)) continue;
      const path = join(this.where, name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || !isAbandoned(name, wallClockMs() - found.mtimeMs)) continue;
      await rm(path, { force: true }).catch(() => {});
    }
  }
}

/**
 * Unlike rename() it replaces nothing, however late it comes: of two nodes that store the same name one is told.
 * A file system without hard links cannot promise that, so there every name counts as taken.
 */
async function giveName(partial: string, target: string): Promise<true> {
  try {
    await link(partial, target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!NOT_LINKED.has(code)) throw error;
    throw new NameTaken(`${target} is there already`, { cause: error });
  }
  await rm(partial, { force: true }).catch(() => {});
  return true;
}

/** Copies a file into a new one that only its user reads, and brings it to the disk. */
async function copy(from: string, to: string, { signal, onBytes }: TransferOptions): Promise<Omit<LocalFile, 'path'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  const target = await open(to, 'wx', 0o600);
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: CHUNK_BYTES, signal }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await writeAll(target, chunk);
      bytes += chunk.length;
      onBytes?.(bytes);
    }
    await target.sync();
  } catch (error) {
    await target.close();
    await rm(to, { force: true }).catch(() => {});
    throw error;
  }
  await target.close();
  return { bytes, sha256: hash.digest('hex') };
}

/** A full disk takes a part of a write first, and says so only with the next one. */
async function writeAll(target: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await target.write(chunk, at);
    at += bytesWritten;
  }
}
