import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import type { ProgramEnd } from '../run-program.ts';

/*
 * The archive of a full backup is made by GNU tar, which every image that is made of a distribution has, and which whoever
 * restores one will use.
 */

/** @returns why no archives can be made here; `undefined` = they can */
export async function whyNoTar(signal: AbortSignal): Promise<string | undefined> {
  const end = await runProgram(['tar', '--version'], { signal });
  if (end === undefined) return 'there is no tar on this node';
  return end.stdout.includes('GNU tar') ? undefined : 'tar on this node is not GNU tar';
}

export interface TarOptions {
  /** For the list of names. */
  readonly dir: string;
  /** Of one core, that it may take. */
  readonly cpuShare: number;
  readonly signal: AbortSignal;
}

/** Something changed while it was read: what was read is in the archive. */
const CHANGED = 1;

/**
 * Puts files into an archive, with names relative to the root of the disk: `tar -xf … -C /` puts them back.
 *
 * @param paths absolute; folders without what is in them
 * @returns what changed while it was read, in tar's words
 */
export async function makeTar(
  archive: string,
  paths: readonly string[],
  { dir, cpuShare, signal }: TarOptions,
): Promise<readonly string[]> {
  const list = join(dir, 'names');
  await writeFile(list, paths.map((path) => `${path.slice(1)}\0`).join(''), { mode: 0o600 });
  const what = ['--null', '--verbatim-files-from', '--no-recursion', `--files-from=${list}`];
  const command = ['tar', '--create', '--file', archive, '--format=posix', '--directory=/', ...what];
  const end = await runProgram(command, { cpuShare, signal });
  if (end?.code !== 0 && end?.code !== CHANGED) throw tarError(end);
  const entries = await countTar(archive, { cpuShare, signal });
  if (entries !== paths.length) throw new Error(`the archive has ${entries} entries of ${paths.length}`);
  return end.stderr.split('\n').filter((line) => line !== '');
}

/**
 * Reads an archive to its end.
 * @returns how many files, folders and links it has
 * @throws {Error} where it is not whole
 */
export async function countTar(archive: string, { cpuShare, signal }: Omit<TarOptions, 'dir'>): Promise<number> {
  let entries = 0;
  const onStdout = (chunk: Buffer): void => {
    for (const byte of chunk) if (byte === 10) entries++;
  };
  const command = ['tar', '--list', '--quoting-style=escape', '--file', archive];
  const end = await runProgram(command, { cpuShare, signal, onStdout });
  if (end?.code !== 0) throw tarError(end);
  return entries;
}

const tarError = (end: ProgramEnd | undefined): Error =>
  new Error(
    end === undefined
      ? 'there is no tar on this node'
      : `tar failed: ${end.stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''}`,
  );
