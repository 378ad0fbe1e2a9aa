import type { LocalFile } from './backup-store.ts';

/*
 * What a backup has done on threads of its own (src/workers/jobs): work that would hold the front's loop up. Each takes and
 * gives plain data.
 */

export interface PackTask {
  readonly from: string;
  /** A new file. */
  readonly to: string;
  /** Recipients of age; none = it stays in the clear. */
  readonly recipients: readonly string[];
}

export interface Packed {
  readonly bytes: number;
  readonly sha256: string;
  readonly clearBytes: number;
  readonly clearSha256: string;
}

export interface UnpackTask {
  readonly from: string;
  readonly to: string;
  /** Secret keys of age, one of which opens it; `undefined`: it is not encrypted. */
  readonly identities: readonly string[] | undefined;
}

export interface FindTask {
  readonly path: string;
  readonly sought: readonly Sought[];
}

/** Ways in which a thing may stand in a file, one of which is enough; each is sequences of bytes that must all be there. */
export type Sought = readonly (readonly Uint8Array[])[];

export interface JobTasks {
  /** Compresses, then encrypts. */
  readonly pack: { readonly input: PackTask; readonly output: Packed };
  /** Decrypts, then uncompresses. Fails on a byte that is wrong. */
  readonly unpack: { readonly input: UnpackTask; readonly output: Omit<LocalFile, 'path'> };
  /** The positions in the list of those that are not in the file. */
  readonly find: { readonly input: FindTask; readonly output: readonly number[] };
  readonly newIdentity: {
    readonly input: null;
    readonly output: { readonly identity: string; readonly recipient: string };
  };
}

/** Does such work. */
export interface TaskRunner {
  /** Of one core, that all work of a backup together may take. */
  readonly cpuShare: number;
  run<Name extends keyof JobTasks>(
    name: Name,
    input: JobTasks[Name]['input'],
    signal: AbortSignal,
  ): Promise<JobTasks[Name]['output']>;
}
