import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupStore } from './backup-store.ts';
import { countTar } from './files/tar.ts';
import type { Manifest } from './manifest.ts';
import type { TaskRunner } from './tasks.ts';
import { ForeignFormat } from './verify/check-rdb.ts';
import { proveLogical } from './verify/prove-logical.ts';
import { proveRdb } from './verify/prove-rdb.ts';
import type { Proof } from './verify/prove-rdb.ts';
import { isAtLeast } from './verify/redis-binaries.ts';
import type { RedisBinaries } from './verify/redis-binaries.ts';

export type BackupFile = Manifest['files'][number];

/** How far it is, in bytes or in keys. */
export type Report = (progress: {
  readonly step: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number | undefined;
  readonly doneKeys?: number;
  readonly totalKeys?: number;
}) => void;

/** What whoever reads a backup works with. */
export interface Access {
  readonly store: BackupStore;
  readonly tasks: TaskRunner;
  /** Secret keys of age. */
  readonly identities: readonly string[];
  /** A folder of our own for what lies in the clear. */
  readonly dir: string;
  readonly signal: AbortSignal;
  readonly report: Report;
}

/**
 * Fetches a file of a backup as it is stored, and compares it with what its manifest says.
 * @returns where it lies now
 * @throws {Error} when it is another
 */
export async function fetchStored(file: BackupFile, { store, dir, signal, report }: Access): Promise<string> {
  const { name, bytes } = file;
  const stored = join(dir, name);
  const step = `fetch ${name}`;
  report({ step, doneBytes: 0, totalBytes: bytes });
  const read = await store.get(name, stored, {
    signal,
    onBytes: (doneBytes) => report({ step, doneBytes, totalBytes: bytes }),
  });
  if (read.bytes !== bytes) throw new Error(`${name} has ${read.bytes} bytes, and its manifest says ${bytes}`);
  if (read.sha256 !== file.sha256) throw new Error(`${name} is not what was stored: its SHA-256 is another`);
  return stored;
}

/** Why a file of a backup cannot be opened with the keys that are here; `undefined` = it can. */
export const whyLocked = ({ name, recipient }: BackupFile, identities: readonly string[]): string | undefined =>
  recipient === null || identities.length > 0
    ? undefined
    : `${name} is encrypted for ${recipient}: its secret key is needed (--identity FILE, or BACKUP_ENCRYPTION_IDENTITY_FILE)`;

/**
 * Fetches a file of a backup and opens it, and compares both forms with what its manifest says.
 * @returns where it lies, uncompressed and in the clear
 * @throws {Error} at the first thing that is not so
 */
export async function fetchClear(file: BackupFile, access: Access): Promise<string> {
  const { tasks, identities, signal, report } = access;
  const { name, recipient } = file;
  const locked = whyLocked(file, identities);
  if (locked !== undefined) throw new Error(locked);
  const stored = await fetchStored(file, access);
  report({ step: `open ${name}`, totalBytes: file.clearBytes });
  const clear = `${stored}.clear`;
  const task = { from: stored, to: clear, identities: recipient === null ? undefined : identities };
  const opened = await tasks.run('unpack', task, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Error(`${name} ${whyClosed(error, recipient)}`, { cause: error });
  });
  await rm(stored);
  if (opened.bytes !== file.clearBytes || opened.sha256 !== file.clearSha256) {
    throw new Error(`${name} holds something else than its manifest says`);
  }
  return clear;
}

function whyClosed(error: unknown, recipient: string | null): string {
  const said = error instanceof Error ? error.message : String(error);
  return recipient !== null && /identity|no identity matched/i.test(said)
    ? `cannot be opened: it is encrypted for ${recipient}, and this secret key is not its`
    : `cannot be opened: ${said}`;
}

/**
 * Proves that what a file of a backup holds can be restored: of Redis, a server of this machine loads it whole; of files,
 * tar reads it to its end.
 * @param clearPath as fetchClear() left it
 * @throws {Error} when it does not, or no server here can
 */
export async function prove(
  file: BackupFile,
  clearPath: string,
  { access, binaries }: { readonly access: Access; readonly binaries: RedisBinaries },
): Promise<Proof> {
  const { tasks, dir, signal, report } = access;
  if (file.content === 'files') {
    await countTar(clearPath, { cpuShare: tasks.cpuShare, signal });
    return { keysLoaded: 0, keysExpired: 0, valuesCompared: 0 };
  }
  const unfit = whyNoServer(binaries, file.redisVersion);
  if (unfit !== undefined) throw new UnprovedHere(`${file.name} cannot be loaded here: ${unfit}`);
  report({ step: `check ${file.name}`, totalBytes: file.clearBytes });
  const scratch = join(dir, 'proof');
  try {
    const proof = await (file.content === 'rdb' ? proveRdb : proveLogical)(clearPath, { dir: scratch, tasks, signal });
    const keys = proof.keysLoaded + proof.keysExpired;
    if (file.keys !== null && keys !== file.keys) {
      throw new Error(`${file.name} has ${keys} keys, and its manifest says ${file.keys}`);
    }
    return proof;
  } catch (error) {
    if (error instanceof ForeignFormat)
      throw new UnprovedHere(`${file.name} cannot be loaded here: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** It may well be in order; this machine cannot tell. */
export class UnprovedHere extends Error {}

/** Where Redis did not tell its version, the check itself finds out. */
function whyNoServer(binaries: RedisBinaries, sourceVersion: string | null): string | undefined {
  if (!binaries.found) return `${binaries.reason}; install redis-server and redis-check-rdb`;
  if (sourceVersion === null || isAtLeast(binaries.version, sourceVersion)) return undefined;
  return `it is of Redis ${sourceVersion}, and redis-server here is ${binaries.version}`;
}
