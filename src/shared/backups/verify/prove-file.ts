import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../manifest.ts';
import { countTar } from '../files/tar.ts';
import { ForeignFormat } from './check-rdb.ts';
import { proveLogical } from './prove-logical.ts';
import { proveRdb } from './prove-rdb.ts';
import type { Proof, ProofOptions } from './prove-rdb.ts';
import { whyUnfit } from './redis-binaries.ts';
import type { RedisBinaries } from './redis-binaries.ts';

export type StoredFileFacts = Manifest['files'][number];
export type Verification = Manifest['verification'];

export interface FileProofOptions extends ProofOptions {
  readonly binaries: RedisBinaries;
  /** What opens it; `undefined`: nobody here has that. */
  readonly identities: readonly string[] | undefined;
}

/**
 * Proves a file as it came back from the store, whose bytes are known to be the ones that were stored: it is opened and
 * uncompressed, compared with what it was before, and then restored on trial.
 *
 * @returns why it cannot be proved here, or what was seen
 * @throws {Error} where it is wrong
 */
export async function proveFile(
  path: string,
  facts: StoredFileFacts,
  { dir, tasks, binaries, identities, signal }: FileProofOptions,
): Promise<Proof | { readonly unproved: string }> {
  if (facts.recipient !== null && identities === undefined) {
    return { unproved: 'it is encrypted, and what opens it is not here: its bytes are those that were stored' };
  }
  const clear = join(dir, 'clear');
  await rm(clear, { force: true });
  const opened = await tasks.run(
    'unpack',
    { from: path, to: clear, identities: facts.recipient === null ? undefined : identities },
    signal,
  );
  if (opened.sha256 !== facts.clearSha256 || opened.bytes !== facts.clearBytes) {
    throw new Error(`${facts.name} does not hold what was put into it`);
  }
  const options = { dir: join(dir, 'r'), tasks, signal };
  try {
    if (facts.content === 'files') {
      await countTar(clear, { cpuShare: tasks.cpuShare, signal });
      return { keysLoaded: 0, keysExpired: 0, valuesCompared: 0 };
    }
    const unfit = whyUnfit(binaries, facts.redisVersion);
    if (unfit !== undefined) return { unproved: unfit };
    return facts.content === 'rdb' ? await proveRdb(clear, options) : await proveLogical(clear, options);
  } catch (error) {
    // Its bytes are known to be those that Redis gave, so it is not the first one that is wrong.
    if (error instanceof ForeignFormat) return { unproved: error.message };
    throw error;
  } finally {
    await rm(options.dir, { recursive: true, force: true });
    await rm(clear, { force: true });
  }
}

/** What all files of a backup together are worth. @param proofs one a file */
export function verificationOf(
  proofs: readonly (Proof | { readonly unproved: string })[],
  { binaries, nowMs }: { readonly binaries: RedisBinaries; readonly nowMs: number },
): Verification {
  const sum = { keysLoaded: 0, keysExpired: 0, valuesCompared: 0 };
  for (const proof of proofs) {
    if ('unproved' in proof) return { result: 'stored', reason: proof.unproved };
    for (const name of ['keysLoaded', 'keysExpired', 'valuesCompared'] as const) sum[name] += proof[name];
  }
  const redisVersion = binaries.found ? binaries.version : null;
  return { result: 'verified', at: new Date(nowMs).toISOString(), redisVersion, ...sum };
}
