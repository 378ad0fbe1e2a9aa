import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { wallClockMs } from '../clock.ts';
import type { BackupParts } from './make-backup.ts';
import type { Manifest } from './manifest.ts';
import { Steps } from './steps.ts';
import type { StepProgress } from './steps.ts';
import { proveFile, verificationOf } from './verify/prove-file.ts';
import type { Verification } from './verify/prove-file.ts';
import { findRedisBinaries } from './verify/redis-binaries.ts';
import { openWorkDir } from './work-dir.ts';

export interface VerifyOptions {
  /** Secret keys of age that may open it; none are needed for one that is in the clear. */
  readonly identities: readonly string[];
  readonly signal: AbortSignal;
  readonly report: (progress: StepProgress) => void;
}

/**
 * Proves a backup that is stored, as it is done when it is made: every file is read, compared, opened and restored on trial.
 *
 * @returns what its manifest may say from now on
 * @throws {StepFailure} where it is wrong: a byte, a length, a key
 */
export async function verifyBackup(
  { config, store, tasks }: Pick<BackupParts, 'config' | 'store' | 'tasks'>,
  manifest: Manifest,
  { identities, signal, report }: VerifyOptions,
): Promise<Verification> {
  const steps = new Steps(report, signal);
  try {
    steps.begin('prepare');
    await using work = await openWorkDir(config.tempDir);
    const binaries = await findRedisBinaries(signal);
    const proofs = [];
    for (const facts of manifest.files) {
      steps.begin('read back');
      const path = join(work.path, 'back');
      const got = await store.get(facts.name, path, { signal, onBytes: (done) => steps.bytes(done, facts.bytes) });
      if (got.bytes !== facts.bytes) throw new Error(`${facts.name} has ${got.bytes} bytes instead of ${facts.bytes}`);
      if (got.sha256 !== facts.sha256) throw new Error(`${facts.name} is not what was stored: its SHA-256 is another`);
      steps.begin('verify');
      const opens = identities.length === 0 ? undefined : identities;
      proofs.push(await proveFile(path, facts, { dir: work.path, tasks, binaries, identities: opens, signal }));
      await rm(path);
    }
    return verificationOf(proofs, { binaries, nowMs: wallClockMs() });
  } catch (error) {
    throw steps.failure(error);
  }
}
